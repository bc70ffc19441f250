// The system as a picture: commands -> PostgreSQL + outbox -> Service Bus -> projector -> MongoDB -> queries.
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Azure;
using Shop.AppHost;

var builder = DistributedApplication.CreateBuilder(args);
var local = args.Contains("--local");
var adminKey = builder.AddParameter("admin-key", new GenerateParameterDefault { MinLength = 32 }, secret: true, persist: true);

// Where the write side keeps its truth, the bus, and where the read side keeps its documents.
IResourceBuilder<IResourceWithConnectionString> shopdb, messaging, readdb;
if (local)
{
    // The stand-ins of Shop.Local instead of containers: nothing but processes on this machine.
    var password = builder.AddParameter("postgres-password", new GenerateParameterDefault { MinLength = 24, Special = false }, secret: true, persist: true);
    var postgres = StandIn("postgres", 5106).WithEnvironment("SHOP_POSTGRES_PASSWORD", password);
    shopdb = builder.AddConnectionString("shopdb", ReferenceExpression.Create(
        $"Host=127.0.0.1;Port=5106;Username=shop;Password={password};Database=shop")).WaitFor(postgres);
    readdb = builder.AddConnectionString("readdb", ReferenceExpression.Create($"mongodb://127.0.0.1:5105/shop")).WaitFor(StandIn("mongo", 5105));
    messaging = builder.AddConnectionString("messaging", ReferenceExpression.Create(
        $"Endpoint=sb://127.0.0.1:5104;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;"))
        .WaitFor(StandIn("servicebus", 5104));
}
else
{
    shopdb = builder.AddPostgres("postgres").WithDataVolume("shop-postgres").AddDatabase("shopdb", databaseName: "shop");
    readdb = builder.AddMongoDB("mongo").WithDataVolume("shop-mongo").AddDatabase("readdb", databaseName: "shop");
    messaging = builder.ExecutionContext.IsPublishMode ? builder.AddConnectionString("messaging") : ServiceBusEmulator();
}

var commands = builder.AddProject<Projects.Shop_Commands>("commands", launchProfileName: "http")
    .WithReference(shopdb).WaitFor(shopdb)
    .WithReference(messaging).WaitFor(messaging);
AddAdministration(commands);
commands.WithWriteSideCommands(adminKey);

var projector = builder.AddProject<Projects.Shop_Projector>("projector", launchProfileName: "http")
    .WithReference(messaging).WaitFor(messaging)
    .WithReference(readdb).WaitFor(readdb)
    .WithReference(commands)
    .WithReplicas(2);
AddAdministration(projector);
projector.WithReadSideCommands(adminKey);

var queries = builder.AddProject<Projects.Shop_Queries>("queries", launchProfileName: "http")
    .WithReference(readdb).WaitFor(readdb)
    .WithReference(commands)
    .WithExternalHttpEndpoints();

foreach (var service in new[] { commands, projector, queries })
    service.WithHttpProbe(ProbeType.Readiness, "/health").WithHttpProbe(ProbeType.Liveness, "/alive");

builder.Build().Run();

IResourceBuilder<AzureServiceBusResource> ServiceBusEmulator()
{
    var bus = builder.AddAzureServiceBus("messaging").RunAsEmulator(emulator => emulator.WithLifetime(ContainerLifetime.Persistent));
    bus.AddServiceBusTopic("shop-events")
        .AddServiceBusSubscription("projector-subscription", subscriptionName: "projector")
        .WithProperties(subscription => (subscription.MaxDeliveryCount, subscription.LockDuration) = (2000, TimeSpan.FromSeconds(15)));
    return bus;
}

IResourceBuilder<ProjectResource> StandIn(string verb, int port) => builder.AddProject<Projects.Shop_Local>(verb)
    .WithArgs(verb, "--port", $"{port}", "--data", Path.Combine(builder.AppHostDirectory, "../.shop/apphost", verb));

// Administration has a port and a key of its own; it is no part of ASPNETCORE_URLS and of no ingress.
void AddAdministration(IResourceBuilder<ProjectResource> service) => service
    .WithHttpEndpoint(name: "admin")
    .WithEndpointsInEnvironment(endpoint => endpoint.Name != "admin")
    .WithEnvironment("Shop__AdminUrl", ReferenceExpression.Create($"http://127.0.0.1:{service.GetEndpoint("admin").Property(EndpointProperty.TargetPort)}"))
    .WithEnvironment("Shop__AdminKey", adminKey);
