namespace Shop.AppHost;

/// <summary>What <c>-- --local</c> uses instead of containers: a real PostgreSQL server and the stand-ins of Shop.Local, processes on this machine.</summary>
internal static class StandIns
{
    private const string PostgresPort = "5106", StorePort = "5105", BrokerPort = "5104";

    public static (IResourceBuilder<IResourceWithConnectionString> ShopDb, IResourceBuilder<IResourceWithConnectionString> Messaging, IResourceBuilder<IResourceWithConnectionString> ReadDb)
        AddStandIns(this IDistributedApplicationBuilder builder)
    {
        var password = builder.AddParameter("postgres-password", new GenerateParameterDefault { MinLength = 24, Special = false }, secret: true, persist: true);
        var postgres = StandIn(builder, "postgres", PostgresPort).WithEnvironment("SHOP_POSTGRES_PASSWORD", password);
        var shopdb = builder.AddConnectionString("shopdb", ReferenceExpression.Create(
            $"Host=127.0.0.1;Port={PostgresPort};Username=shop;Password={password};Database=shop")).WaitFor(postgres);
        var readdb = builder.AddConnectionString("readdb", ReferenceExpression.Create($"mongodb://127.0.0.1:{StorePort}/shop")).WaitFor(StandIn(builder, "mongo", StorePort));
        var messaging = builder.AddConnectionString("messaging", ReferenceExpression.Create(
            $"Endpoint=sb://127.0.0.1:{BrokerPort};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;"))
            .WaitFor(StandIn(builder, "servicebus", BrokerPort));
        return (shopdb, messaging, readdb);
    }

    private static IResourceBuilder<ProjectResource> StandIn(IDistributedApplicationBuilder builder, string verb, string port) => builder.AddProject<Projects.Shop_Local>(verb)
        .WithArgs(verb, "--port", port, "--data", Path.Combine(builder.AppHostDirectory, "../.shop/apphost", verb));
}
