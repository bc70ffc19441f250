using System.Net;
using System.Net.Sockets;
using Shop.ServiceDefaults.Messaging;

namespace Shop.Tests.ServiceDefaults.Messaging;

public sealed class HalfOpenConnectionTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_connection_that_fell_silent_is_given_up_and_its_events_are_to_be_sent_again()
    {
        using var broker = new ScriptedBroker(_ => null);
        await using var proxy = new FreezableProxy(broker.Port);
        var options = TestEvents.Options($"Endpoint=sb://127.0.0.1:{proxy.Port};UseDevelopmentEmulator=true");
        options.IdleTimeout = TimeSpan.FromSeconds(2);
        await using var client = new BusClient(options);
        var publisher = client.CreatePublisher(ScriptedBroker.Topic);
        Assert.Equal(PublishStatus.Accepted, (await publisher.PublishAsync([TestEvents.Create(1)], Token))[0].Status);

        proxy.FreezeOpenConnections();
        var lost = await publisher.PublishAsync([TestEvents.Create(2)], Token);
        Assert.Equal(PublishStatus.Unknown, lost[0].Status);
        await TestEvents.PublishAllAsync(publisher, [TestEvents.Create(2)], Token);
        Assert.True(proxy.Connections >= 2);
    }

    [Fact]
    public async Task A_broker_that_never_answers_is_given_up_and_a_waiting_publisher_can_be_cancelled()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var options = TestEvents.Options($"Endpoint=sb://127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port};UseDevelopmentEmulator=true");
        options.ConnectTimeout = TimeSpan.FromMilliseconds(200);
        await using var client = new BusClient(options);
        var publisher = client.CreatePublisher(ScriptedBroker.Topic);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Token);

        var publishing = publisher.PublishAsync([TestEvents.Create(1)], cancel.Token).AsTask();
        await TestEvents.UntilAsync(() => publisher.State.Connection == BusConnection.Disconnected, Token);
        Assert.False(publishing.IsCompleted);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => publishing);
    }

    [Fact]
    public async Task A_missing_topic_shows_in_the_state_and_publishing_waits_for_it()
    {
        using var broker = new ScriptedBroker(_ => null);
        await using var client = new BusClient(TestEvents.Options(broker.ConnectionString));

        var publisher = client.CreatePublisher("no-such-topic");
        await TestEvents.UntilAsync(() => publisher.State.Connection == BusConnection.Disconnected, Token);

        Assert.Contains("amqp:not-found", publisher.State.LastError, StringComparison.Ordinal);
    }
}
