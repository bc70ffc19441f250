using System.Security.Cryptography;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Shop.Local.Supervision;
using Shop.ServiceDefaults.Messaging;

namespace Shop.Tests.ServiceDefaults.Messaging;

public sealed class BrokerRestartTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_broker_restarted_in_the_middle_loses_nothing_accepted_and_the_order_of_first_sends_stays()
    {
        const int count = 20_000;
        await using var broker = await LocalBroker.StartAsync(Token);
        await using var client = new BusClient(TestEvents.Options(broker.ConnectionString));
        var publisher = client.CreatePublisher("shop-events");
        var receiver = client.CreateReceiver("shop-events", "projector");
        var publishing = TestEvents.PublishAllAsync(publisher, TestEvents.Range(0, count), Token);
        HashSet<int> seen = [];
        List<int> firsts = [];
        var restarts = 0;
        while (seen.Count < count)
        {
            var batch = await receiver.ReceiveBatchAsync(200, Token);
            foreach (var number in batch.Select(TestEvents.Number))
            {
                if (seen.Add(number)) firsts.Add(number);
            }

            await receiver.CompleteAsync(batch, Token);
            if (seen.Count > (restarts + 1) * count / 4 && restarts < 3)
            {
                restarts++;
                await broker.StopAsync();
                await broker.StartAgainAsync(Token);
            }
        }

        await publishing;
        Assert.Equal(3, restarts);
        Assert.Equal(Enumerable.Range(0, count), firsts);
        // It may have published everything before the last restart, and the receiver be back before it.
        await TestEvents.UntilAsync(() => publisher.State.Connection == BusConnection.Connected, Token);
        Assert.NotNull(publisher.State.LastError);
    }

    [Fact]
    public async Task A_publisher_waits_for_a_broker_that_starts_later()
    {
        var port = FreePort.Next();
        await using var client = new BusClient(TestEvents.Options($"Endpoint=sb://127.0.0.1:{port};UseDevelopmentEmulator=true"));
        var publisher = client.CreatePublisher("shop-events");
        var publishing = publisher.PublishAsync(TestEvents.Range(0, 3), Token).AsTask();
        await TestEvents.UntilAsync(() => publisher.State.Connection == BusConnection.Disconnected, Token);
        Assert.False(publishing.IsCompleted);

        await using var broker = await LocalBroker.StartAsync(Token, port: port);

        Assert.All(await publishing, result => Assert.Equal(PublishStatus.Accepted, result.Status));
    }

    [Fact]
    public async Task An_event_above_the_brokers_limit_is_refused_and_its_neighbours_are_not()
    {
        await using var broker = await LocalBroker.StartAsync(Token);
        await using var client = new BusClient(TestEvents.Options(broker.ConnectionString));
        var huge = TestEvents.Create(2) with { Data = RandomNumberGenerator.GetBytes(2 * 1024 * 1024) };

        var results = await client.CreatePublisher("shop-events").PublishAsync([TestEvents.Create(1), huge, TestEvents.Create(3)], Token);

        Assert.Equal([PublishStatus.Accepted, PublishStatus.Refused, PublishStatus.Accepted], results.Select(result => result.Status));
        Assert.Contains("message-size-exceeded", results[1].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_talks_to_the_broker_and_is_degraded_while_it_is_away()
    {
        await using var broker = await LocalBroker.StartAsync(Token);
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Configuration.AddInMemoryCollection([
            KeyValuePair.Create("ConnectionStrings:messaging", (string?)broker.ConnectionString),
            KeyValuePair.Create("Aspire:Azure:Messaging:ServiceBus:HealthCheckTopicName", (string?)"shop-events")]);
        builder.AddAzureServiceBusClient("messaging");
        builder.Services.AddLogging();
        await using var services = builder.Services.BuildServiceProvider();
        var health = services.GetRequiredService<HealthCheckService>();
        var client = services.GetRequiredService<BusClient>();

        Assert.Equal(HealthStatus.Healthy, (await health.CheckHealthAsync(Token)).Status);
        var publisher = client.CreatePublisher("shop-events");
        await publisher.PublishAsync([TestEvents.Create(1)], Token);
        Assert.Equal(HealthStatus.Healthy, (await health.CheckHealthAsync(Token)).Status);

        await broker.StopAsync();
        Assert.Equal(HealthStatus.Degraded, (await health.CheckHealthAsync(Token)).Status);
        await publisher.DisposeAsync();
        Assert.Equal(HealthStatus.Degraded, (await health.CheckHealthAsync(Token)).Status);
    }
}
