// The system as a picture: commands -> PostgreSQL + outbox -> Service Bus -> projector -> MongoDB -> queries.
using Aspire.Hosting.Azure;
using Shop.AppHost;

var builder = DistributedApplication.CreateBuilder(args);
var adminKey = builder.AddParameter("admin-key", new GenerateParameterDefault { MinLength = 32 }, secret: true, persist: true);

// Where the write side keeps its truth, the bus, and where the read side keeps its documents.
IResourceBuilder<IResourceWithConnectionString> shopdb, messaging, readdb;
if (args.Contains("--local"))
{
    (shopdb, messaging, readdb) = builder.AddStandIns();
}
else
{
    shopdb = builder.AddPostgres("postgres").WithDataVolume("shop-postgres").AddDatabase("shopdb", databaseName: "shop");
    readdb = builder.AddMongoDB("mongo").WithDataVolume("shop-mongo").AddDatabase("readdb", databaseName: "shop");
    messaging = builder.ExecutionContext.IsPublishMode ? builder.AddConnectionString("messaging") : ServiceBusEmulator();
}

var commands = builder.AddProject<Projects.Shop_Commands>("commands", launchProfileName: "http")
    .WithReference(shopdb).WaitFor(shopdb)
    .WithReference(messaging).WaitFor(messaging)
    .WithReplicas(2)
    .WithAdministration(adminKey)
    .WithWriteSideCommands(adminKey);

var projector = builder.AddProject<Projects.Shop_Projector>("projector", launchProfileName: "http")
    .WithReference(messaging).WaitFor(messaging)
    .WithReference(readdb).WaitFor(readdb)
    .WithReference(commands)
    .WithReplicas(2)
    .WithAdministration(adminKey)
    .WithReadSideCommands(adminKey);

var queries = builder.AddProject<Projects.Shop_Queries>("queries", launchProfileName: "http")
    .WithReference(readdb).WaitFor(readdb)
    .WithReference(commands)
    .WithReference(projector)
    .WithReplicas(2)
    .WithExternalHttpEndpoints();

foreach (var service in new[] { commands, projector, queries })
    service.WithHttpProbe(ProbeType.Readiness, "/health").WithHttpProbe(ProbeType.Liveness, "/alive");

builder.Build().Run();

// Only the projector dead-letters, deliberately: hence the delivery count. A killed one's messages are free again after the lock.
IResourceBuilder<AzureServiceBusResource> ServiceBusEmulator()
{
    var bus = builder.AddAzureServiceBus("messaging").RunAsEmulator(emulator => emulator.WithLifetime(ContainerLifetime.Persistent));
    bus.AddServiceBusTopic("shop-events")
        .AddServiceBusSubscription("projector-subscription", subscriptionName: "projector")
        .WithProperties(subscription => (subscription.MaxDeliveryCount, subscription.LockDuration) = (2000, TimeSpan.FromSeconds(15)));
    return bus;
}
