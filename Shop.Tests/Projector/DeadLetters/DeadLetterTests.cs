using Microsoft.Extensions.DependencyInjection;
using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Contracts.Administration;
using Shop.Contracts.Events;
using Shop.Local;
using Shop.Local.Administration;
using Shop.Local.ServiceBus;
using Shop.Projector.DeadLetters;
using Shop.Projector.Projection;
using Shop.ServiceDefaults.Messaging;

namespace Shop.Tests.Projector.DeadLetters;

/// <summary>Dead letters of a real broker, through the administration port as <c>./shop dlq</c> asks it.</summary>
public sealed class DeadLetterTests(ReadStore store) : IClassFixture<ReadStore>, IAsyncLifetime
{
    private const string Unknown = "shop.warehouse.opened.v1";
    private static readonly OrderState order = new("ORD12345", 1, "CUST987", "Alice Smith", 1, new(2023, 10, 27, 10, 0, 0, TimeSpan.Zero), 21.00m,
        OrderStatus.Pending, [new("PROD001", "Widget", 1, 2, 10.50m)]);

    private BrokerServer broker = null!;
    private BusClient bus = null!;
    private EventPublisher publisher = null!;
    private string database = null!;
    private ServiceHost projector = null!;
    private ProjectorAdministration administration = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        broker = await BrokerServer.StartAsync(new BrokerOptions(), CancellationToken.None);
        bus = new BusClient(new BusClientOptions { ConnectionString = ServiceBusConnectionString.Parse(broker.ConnectionString) });
        publisher = bus.CreatePublisher("shop-events");
        database = store.NewConnectionString();
        projector = await ServiceHost.StartAdministeredProjectorAsync(database, broker.ConnectionString, CancellationToken.None);
        administration = new ProjectorAdministration(projector.AdministrationUrl, ServiceHost.AdminKey);
    }

    public async ValueTask DisposeAsync()
    {
        administration.Dispose();
        await projector.DisposeAsync();
        await bus.DisposeAsync();
        await broker.DisposeAsync();
    }

    [Fact]
    public async Task Listing_and_showing_change_nothing_and_every_filter_narrows_the_list()
    {
        await PoisonAsync();
        var all = await administration.ListDeadLettersAsync(new(), Cancellation);
        Assert.True(all.IsComplete);
        Assert.Equal((3, 3), (all.LookedAt, all.DeadLetters.Count));
        Assert.Equal(
            [(PoisonReason.ImpossibleState, EventTypes.OrderPlaced, "order/ORD1"), (PoisonReason.UnknownType, Unknown, "warehouse/W1"), (PoisonReason.UnknownType, Unknown, "warehouse/W2")],
            all.DeadLetters.Select(letter => (letter.Reason, letter.Type, letter.Subject)).Order());

        Assert.Single(await ListAsync(new(Reason: PoisonReason.ImpossibleState)));
        Assert.Equal(2, (await ListAsync(new(Type: "shop.warehouse.*"))).Count);
        Assert.Equal("warehouse/W2", Assert.Single(await ListAsync(new(Type: Unknown, Subject: "warehouse/W2"))).Subject);
        Assert.Empty(await ListAsync(new(Reason: PoisonReason.ImpossibleState, Type: Unknown)));

        var shown = await administration.FindDeadLetterAsync(all.DeadLetters[0].Sequence, Cancellation);
        Assert.Equal(all.DeadLetters[0], shown.DeadLetter);
        Assert.NotEmpty(shown.Body);
        await Assert.ThrowsAsync<LocalRunException>(() => administration.FindDeadLetterAsync(4_711, Cancellation));

        var again = await administration.ListDeadLettersAsync(new(), Cancellation);
        Assert.Equal(all.DeadLetters, again.DeadLetters);
        Assert.Equal(shown.DeliveryCount, (await administration.FindDeadLetterAsync(all.DeadLetters[0].Sequence, Cancellation)).DeliveryCount);
    }

    [Fact]
    public async Task A_replay_takes_what_matches_and_a_purge_leaves_what_does_not()
    {
        await PoisonAsync();
        // Still poison: it is taken from the dead letters, and after its delivery is there again.
        Assert.Equal((1, 0), Counts(await administration.DeadLettersAsync("replay", new(Subject: "warehouse/W1"), Cancellation)));
        await Eventually.TrueAsync(async () => (await ListAsync(new())).Count == 3, "the replayed event is dead-lettered again", Cancellation);

        Assert.Equal((2, 0), Counts(await administration.DeadLettersAsync("purge", new(Type: Unknown), Cancellation)));
        var left = Assert.Single(await ListAsync(new()));
        Assert.Equal("order/ORD1", left.Subject);
        Assert.Equal((0, 0), Counts(await administration.DeadLettersAsync("purge", new(Type: Unknown), Cancellation)));
        Assert.Equal((1, 0), Counts(await administration.DeadLettersAsync("purge", new(Sequence: left.Sequence), Cancellation)));
        Assert.Empty(await ListAsync(new()));
    }

    [Fact]
    public async Task A_replayed_order_reaches_the_read_model()
    {
        await DeadLetterByHandAsync();
        Assert.Equal((1, 0), Counts(await administration.DeadLettersAsync("replay", new(), Cancellation)));
        await VisibleAsync();
        Assert.Empty(await ListAsync(new()));
    }

    [Fact]
    public async Task A_replay_killed_between_publishing_and_completing_leaves_a_duplicate_that_changes_nothing()
    {
        await DeadLetterByHandAsync();
        await using (var killed = new BusClient(new BusClientOptions { ConnectionString = ServiceBusConnectionString.Parse(broker.ConnectionString) }))
        {
            var receiver = killed.CreateReceiver("shop-events", "projector", new EventReceiverOptions { DeadLetterQueue = true });
            var letter = Assert.Single(await receiver.ReceiveBatchAsync(1, Cancellation));
            // What a replay does before it completes; then its connection is gone.
            var results = await publisher.PublishAsync(
                [new(letter.Id, letter.Source, letter.Type, letter.Subject, letter.Time, letter.TraceParent, letter.GroupKey, letter.Data)], Cancellation);
            Assert.Equal(PublishStatus.Accepted, results[0].Status);
        }

        await VisibleAsync();
        Assert.Single(await ListAsync(new()));
        Assert.Equal((1, 0), Counts(await administration.DeadLettersAsync("replay", new(), Cancellation)));
        await Eventually.TrueAsync(async () => (await projector.GetJsonAsync("/lag", Cancellation)).GetProperty("events").GetInt32() >= 2, "the duplicate is projected", Cancellation);
        Assert.Empty(await ListAsync(new()));
        var document = await store.Open(database).Generation(1).Orders.Find(new BsonDocument("_id", order.OrderId)).SingleAsync(Cancellation);
        Assert.Equal(1, document.Version);
    }

    [Fact]
    public async Task What_the_broker_did_not_accept_stays_a_dead_letter()
    {
        await DeadLetterByHandAsync();
        var receiver = bus.CreateReceiver("shop-events", "projector", new EventReceiverOptions { DeadLetterQueue = true });
        var letters = await receiver.ReceiveBatchAsync(1, Cancellation);
        await using var elsewhere = bus.CreatePublisher("no-such-topic");
        using var soon = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        soon.CancelAfter(TimeSpan.FromMilliseconds(500));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => DeadLetterQueue.ReplayAsync(elsewhere, receiver, letters, soon.Token));
        await receiver.DisposeAsync();
        Assert.Single(await ListAsync(new()));
    }

    [Fact]
    public async Task Waiting_dead_letters_degrade_the_health_until_they_are_gone()
    {
        await PoisonAsync();
        projector.Services.GetRequiredService<DeadLetterWatch>().LookSoon();
        await Eventually.TrueAsync(async () => (await HealthAsync()).Contains("3 dead letters wait", StringComparison.Ordinal), "health says so", Cancellation);
        await administration.DeadLettersAsync("purge", new(), Cancellation);
        await Eventually.TrueAsync(async () => !(await HealthAsync()).Contains("dead letters wait", StringComparison.Ordinal), "health is good again", Cancellation);
    }

    private static (int, int) Counts(DeadLetterOutcome outcome) => (outcome.Done, outcome.Kept);

    private async Task<IReadOnlyList<DeadLetter>> ListAsync(DeadLetterSelection selection) =>
        (await administration.ListDeadLettersAsync(selection, Cancellation)).DeadLetters;

    private async Task<string> HealthAsync()
    {
        using var response = await projector.Http.GetAsync("/health", Cancellation);
        Assert.True(response.IsSuccessStatusCode);
        return await response.Content.ReadAsStringAsync(Cancellation);
    }

    /// <summary>Three events that the projector itself dead-letters.</summary>
    private async Task PoisonAsync()
    {
        await PublishAsync(EventTypes.OrderPlaced, "order/ORD1", History.Event(order with { OrderId = "ORD1", Status = "Lost" }));
        await PublishAsync(Unknown, "warehouse/W1", new("", "{}"u8.ToArray()));
        await PublishAsync(Unknown, "warehouse/W2", new("", "{}"u8.ToArray()));
        await Eventually.TrueAsync(async () => (await ListAsync(new())).Count == 3, "three dead letters", Cancellation);
    }

    /// <summary>A good event among the dead letters, as after a store that refused it for a fault of its own.</summary>
    private async Task DeadLetterByHandAsync()
    {
        await projector.DisposeAsync();
        administration.Dispose();
        await PublishAsync(EventTypes.OrderPlaced, "order/ORD12345", History.Event(order));
        await using (var receiver = bus.CreateReceiver("shop-events", "projector"))
        {
            var received = Assert.Single(await receiver.ReceiveBatchAsync(1, Cancellation));
            await receiver.DeadLetterAsync(received, PoisonReason.RefusedByStore, "a store that was not well", Cancellation);
        }

        projector = await ServiceHost.StartAdministeredProjectorAsync(database, broker.ConnectionString, Cancellation);
        administration = new ProjectorAdministration(projector.AdministrationUrl, ServiceHost.AdminKey);
        await Eventually.TrueAsync(async () => (await ListAsync(new())).Count == 1, "one dead letter", Cancellation);
    }

    private async Task PublishAsync(string type, string subject, IncomingEvent body)
    {
        var results = await publisher.PublishAsync(
            [new(Guid.CreateVersion7(), "/shop/commands", type, subject, TimeProvider.System.GetUtcNow(), null, subject, body.Data)], Cancellation);
        Assert.Equal(PublishStatus.Accepted, results[0].Status);
    }

    private Task VisibleAsync() => Eventually.TrueAsync(
        () => store.Open(database).Generation(1).Orders.Find(new BsonDocument("_id", order.OrderId)).AnyAsync(Cancellation), "the order is in the read model", Cancellation);
}
