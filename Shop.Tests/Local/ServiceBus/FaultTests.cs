using System.Collections.Concurrent;
using Shop.Local.ServiceBus;

namespace Shop.Tests.Local.ServiceBus;

public sealed class FaultTests : IAsyncLifetime
{
    private const string Queue = "work";
    private const int Messages = 50;
    private readonly string path = Path.GetTempFileName();
    private readonly ConcurrentQueue<string> said = [];
    private BrokerServer broker = null!;
    private BrokerClient client = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await SwitchAsync("{}");
        broker = await BrokerServer.StartAsync(
            new BrokerOptions { Entities = new([new QueueDefinition(Queue, new())], []), FaultsPath = path, OnFaults = said.Enqueue }, Cancellation);
        client = await BrokerClient.ConnectAsync(broker.Port);
    }

    public async ValueTask DisposeAsync()
    {
        await client.DisposeAsync();
        await broker.DisposeAsync();
        File.Delete(path);
    }

    [Fact]
    public async Task Messages_are_doubled_delayed_in_order_and_overtaken_as_the_file_says_until_it_says_otherwise()
    {
        await InForceAsync("""{"duplicate":1}""");
        await client.SendAsync(Queue, Bodies("doubled"));
        Assert.Equal(Bodies("doubled").SelectMany(body => new[] { body, body }), await TakeAsync(2 * Messages));

        await InForceAsync("""{"delayMs":[0,40],"seed":7}""");
        await client.SendAsync(Queue, Bodies("delayed"));
        Assert.Equal(Bodies("delayed"), await TakeAsync(Messages));

        await InForceAsync("""{"reorder":0.5,"delayMs":[50,200],"seed":7}""");
        await client.SendAsync(Queue, Bodies("overtaken"));
        var overtaken = await TakeAsync(Messages);
        Assert.NotEqual(Bodies("overtaken"), overtaken);
        Assert.Equal(Bodies("overtaken"), overtaken.Order(StringComparer.Ordinal));

        await InForceAsync("{}");
        await client.SendAsync(Queue, Bodies("right"));
        Assert.Equal(Bodies("right"), await TakeAsync(Messages));
    }

    [Fact]
    public async Task A_withheld_acknowledgement_is_of_a_message_that_is_there()
    {
        await InForceAsync("""{"withholdAck":1}""");
        var sending = client.Sender(Queue).SendAsync(BrokerClient.Text("unanswered"), TimeSpan.FromMinutes(5));
        await using var onlooker = await BrokerClient.ConnectAsync(broker.Port);
        await Eventually.TrueAsync(async () => (await onlooker.PeekAsync(Queue)).Count == 1, "the message is there", Cancellation);
        Assert.False(sending.IsCompleted);
    }

    [Fact]
    public async Task A_file_that_makes_no_sense_is_refused_at_the_start_and_ignored_later()
    {
        await InForceAsync("""{"duplicate":0.5}""");
        await SwitchAsync("""{"duplicate":0.5,"dela""");
        await Eventually.TrueAsync(async () =>
        {
            await client.PeekAsync(Queue);
            return said.Any(line => line.Contains("not read again", StringComparison.Ordinal));
        }, "the broker says so", Cancellation);
        foreach (var content in new[] { """{"duplicate":2}""", """{"unknown":1}""", """{"delayMs":[5,1]}""", "no" })
        {
            await SwitchAsync(content);
            await Assert.ThrowsAsync<BrokerStartException>(() => BrokerServer.StartAsync(new BrokerOptions { FaultsPath = path }, Cancellation));
        }
    }

    private static IEnumerable<string> Bodies(string name) => Enumerable.Range(0, Messages).Select(number => $"{name}-{number:D2}");

    private int InForce() => said.Count(line => line.StartsWith("Faults: ", StringComparison.Ordinal));

    private Task SwitchAsync(string content) => File.WriteAllTextAsync(path, content, Cancellation);

    private async Task InForceAsync(string content)
    {
        var before = InForce();
        await SwitchAsync(content);
        await Eventually.TrueAsync(async () =>
        {
            // The file is looked at when there is something to do.
            await client.PeekAsync(Queue);
            return InForce() > before;
        }, $"{content} is in force", Cancellation);
    }

    private async Task<List<string>> TakeAsync(int count)
    {
        var receiver = client.Receiver(Queue);
        List<string> taken = [];
        while (taken.Count < count)
        {
            var message = await receiver.ReceiveAsync(BrokerClient.Patience);
            Assert.NotNull(message);
            taken.Add(BrokerClient.Text(message));
            receiver.Accept(message);
        }

        await receiver.CloseAsync();
        return taken;
    }
}
