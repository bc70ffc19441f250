using System.Collections.Concurrent;
using Amqp;
using Amqp.Framing;

namespace Shop.Tests.Local.ServiceBus;

public sealed class KillTests
{
    private const string Topic = "shop-events";
    private const string Subscription = "shop-events/Subscriptions/projector";
    private const int Kills = 10;
    private const int AcceptedPerRound = 1500;

    private readonly ConcurrentDictionary<string, bool> accepted = new();
    private readonly ConcurrentDictionary<string, bool> settled = new();
    private readonly ConcurrentDictionary<string, bool> seen = new();
    private readonly ConcurrentQueue<string> cameBack = new();

    [Fact]
    public async Task A_broker_killed_ten_times_under_load_keeps_what_it_accepted_and_forgets_what_was_settled()
    {
        using var directory = new TemporaryDirectory();
        var cancellationToken = TestContext.Current.CancellationToken;
        for (var round = 0; round < Kills; round++)
        {
            await using var broker = await BrokerProcess.StartAsync(cancellationToken, "--data", directory.Path);
            var target = accepted.Count + AcceptedPerRound + (round * 97);
            using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var load = Task.WhenAll(PublishAsync(broker.Port, round, stopping.Token), ConsumeAsync(broker.Port, stopping.Token));
            await Eventually.TrueAsync(() => Task.FromResult(accepted.Count >= target), "the round's messages", cancellationToken);
            await broker.KillAsync();
            await stopping.CancelAsync();
            await load;
        }

        await using (var broker = await BrokerProcess.StartAsync(cancellationToken, "--data", directory.Path))
        await using (var client = await BrokerClient.ConnectAsync(broker.Port))
        {
            foreach (var message in await client.PeekAsync(Subscription)) See(BrokerClient.Text(message));
        }

        Assert.Empty(cameBack);
        Assert.True(settled.Count > Kills, $"only {settled.Count} were settled");
        Assert.Empty(accepted.Keys.Except(seen.Keys));
    }

    private void See(string body)
    {
        if (settled.ContainsKey(body)) cameBack.Enqueue(body);
        seen[body] = true;
    }

    private async Task PublishAsync(int port, int round, CancellationToken cancellationToken)
    {
        await using var client = await BrokerClient.ConnectAsync(port);
        var sender = client.Sender(Topic);
        using var inFlight = new SemaphoreSlim(100);
        try
        {
            for (var i = 0; !sender.IsClosed; i++)
            {
                await inFlight.WaitAsync(cancellationToken);
                var body = $"{round}-{i}";
                sender.Send(BrokerClient.Text(body), (_, _, outcome, _) =>
                {
                    if (outcome is Accepted) accepted[body] = true;
                    if (!cancellationToken.IsCancellationRequested) inFlight.Release();
                }, null);
            }
        }
        catch (Exception error) when (error is AmqpException or OperationCanceledException or ObjectDisposedException)
        {
            // The broker was killed.
        }
    }

    private async Task ConsumeAsync(int port, CancellationToken cancellationToken)
    {
        await using var client = await BrokerClient.ConnectAsync(port);
        try
        {
            var receiver = client.Receiver(Subscription, credit: 300);
            List<Message> batch = [];
            while (!cancellationToken.IsCancellationRequested)
            {
                if (await receiver.ReceiveAsync(TimeSpan.FromSeconds(5)) is not { } message) continue;
                See(BrokerClient.Text(message));
                batch.Add(message);
                if (batch.Count < 50) continue;
                await client.CompleteAsync(Subscription, batch);
                foreach (var done in batch)
                {
                    settled[BrokerClient.Text(done)] = true;
                    receiver.Accept(done);
                }

                batch.Clear();
            }
        }
        catch (Exception error) when (error is AmqpException or ObjectDisposedException or TimeoutException or OperationCanceledException)
        {
            // The broker was killed.
        }
    }
}
