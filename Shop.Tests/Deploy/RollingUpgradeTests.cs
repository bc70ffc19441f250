using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Contracts.Commands;
using Shop.Contracts.Events;
using Shop.Local.Administration;
using Shop.Local.ServiceBus;
using Shop.Projector.DeadLetters;
using Shop.Projector.Hosting;
using Shop.Projector.Projection;
using Shop.ServiceDefaults.Data;
using Shop.ServiceDefaults.Messaging;
using Shop.Tests.Commands;
using Shop.Tests.Projector;

namespace Shop.Tests.Deploy;

/// <summary>
/// Two versions of the projector over one subscription. The old one is the projection as it is, except that it does not know the version
/// in which payments come: to it they are what a <c>.v2</c> is to this build.
/// </summary>
public sealed class RollingUpgradeTests(ReadStore store, PostgresFixture postgres) : IClassFixture<ReadStore>, IAsyncLifetime
{
    private const int Orders = 20;
    private BrokerServer broker = null!;
    private BusClient bus = null!;
    private CommandsHost commands = null!;
    private string readdb = null!;
    private ReadModels models = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        broker = await BrokerServer.StartAsync(new BrokerOptions(), CancellationToken.None);
        bus = new BusClient(new BusClientOptions { ConnectionString = ServiceBusConnectionString.Parse(broker.ConnectionString) });
        commands = await CommandsHost.StartAsync(await postgres.CreateDatabaseAsync(CancellationToken.None), broker.ConnectionString, CancellationToken.None);
        readdb = store.NewConnectionString();
        models = store.Open(readdb);
    }

    public async ValueTask DisposeAsync()
    {
        await commands.DisposeAsync();
        await bus.DisposeAsync();
        await broker.DisposeAsync();
    }

    [Fact]
    public async Task Old_and_new_projectors_side_by_side_lose_nothing_of_a_version_that_only_the_new_one_knows()
    {
        await commands.DoAsync(new RegisterCustomer("C", "Customer"), Cancellation);
        await commands.DoAsync(new AddProduct("P", "Product", 2.50m), Cancellation);
        await ReadModelSetup.CreateAsync(models, Cancellation);
        using var upgraded = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var old = RunOldProjectorAsync(upgraded.Token);
        await PlaceAndPayAsync("before");
        await Eventually.TrueAsync(async () => await CountDeadLettersAsync() == Orders, "the old projector has put every payment aside", Cancellation);

        await using var projector = await ServiceHost.StartAdministeredProjectorAsync(readdb, broker.ConnectionString, Cancellation,
            $"--services:commands:admin:0={commands.Administration.BaseAddress!.ToString().TrimEnd('/')}", "--Shop:Rebuild:SettleTime=00:00:00.5");
        using var administration = new ProjectorAdministration(projector.AdministrationUrl, ServiceHost.AdminKey);
        await PlaceAndPayAsync("meanwhile");
        await upgraded.CancelAsync();
        await old;

        // Nobody replays by hand: the new projector looks for what it knows, here sooner than it would.
        var watch = projector.Services.GetRequiredService<DeadLetterWatch>();
        await Eventually.TrueAsync(async () =>
        {
            watch.LookSoon();
            return await models.Generation(1).Orders.CountDocumentsAsync(order => order.Status == OrderStatus.Paid && order.Version == 2, cancellationToken: Cancellation) == 2 * Orders;
        }, "every payment is in the read model", Cancellation);
        // A dead letter goes after what it was published as, which may be projected by then.
        await Eventually.TrueAsync(async () => (await administration.ListDeadLettersAsync(new(), Cancellation)).DeadLetters.Count == 0, "no dead letter is left", Cancellation);
        await Eventually.TrueAsync(async () =>
        {
            var lines = await administration.VerifyAsync(Cancellation).ToListAsync(Cancellation);
            return lines[^1].Report is { Unsettled: 0 } report && report.IsEqual();
        }, "the read model equals the write side", Cancellation);
    }

    [Fact]
    public async Task Fields_that_a_newer_writer_adds_harm_no_older_projector()
    {
        await using var projector = await ServiceHost.StartAdministeredProjectorAsync(readdb, broker.ConnectionString, Cancellation);
        await using var publisher = bus.CreatePublisher(ProjectorSubscription.Topic);
        var body = """
            {"orderId":"O","version":3,"customerId":"C","customerName":"Customer","customerVersion":1,"loyalty":{"tier":"gold"},"orderDate":"2023-10-27T10:00:00Z",
             "totalAmount":2.50,"status":"Paid","items":[{"productId":"P","productName":"Product","productVersion":1,"quantity":1,"price":2.50,"discounts":[0.1]}]}
            """u8.ToArray();
        var results = await publisher.PublishAsync(
            [new(Guid.CreateVersion7(), "/shop/commands", "shop.order.regilded.v1", "order/O", TimeProvider.System.GetUtcNow(), null, "order/O", body)], Cancellation);
        Assert.Equal(PublishStatus.Accepted, Assert.Single(results).Status);
        var document = await Eventually.NotNullAsync<BsonDocument>(async () =>
            await models.Database.GetCollection<BsonDocument>("orders_v1").Find(new BsonDocument("_id", "O")).FirstOrDefaultAsync(Cancellation), "the order is projected", Cancellation);
        Assert.Equal((3, "Paid", 2.50m), (document["version"].AsInt32, document["status"].AsString, document["totalAmount"].AsDecimal));
    }

    private async Task PlaceAndPayAsync(string prefix)
    {
        for (var number = 0; number < Orders; number++)
        {
            var id = string.Create(CultureInfo.InvariantCulture, $"{prefix}-{number}");
            await commands.DoAsync(new PlaceOrder(id, "C", [new("P", 1, 2.50m)]), Cancellation);
            await commands.DoAsync(new PayOrder(id), Cancellation);
        }
    }

    private async Task RunOldProjectorAsync(CancellationToken until)
    {
        var projection = new OrderProjection(models, TimeProvider.System);
        await using var receiver = bus.CreateReceiver(ProjectorSubscription.Topic, ProjectorSubscription.Name, new EventReceiverOptions { Prefetch = 10 });
        try
        {
            while (true)
            {
                var received = await receiver.ReceiveBatchAsync(10, until);
                var batch = new ProjectionBatch([.. received.Select(message => new IncomingEvent(AsTheOldOneSeesIt(message.Type), message.Data, message.FormatError))]);
                await foreach (var _ in projection.ApplyAsync(batch, Cancellation)) { }
                await receiver.CompleteAsync([.. received.Where((_, index) => !batch.Poison.ContainsKey(index))], Cancellation);
                foreach (var (index, poison) in batch.Poison)
                {
                    Assert.Equal(PoisonReason.UnknownType, poison.Reason);
                    await receiver.DeadLetterAsync(received[index], poison.Reason, poison.Description, Cancellation);
                }
            }
        }
        catch (OperationCanceledException) when (until.IsCancellationRequested)
        {
            // Its pod is gone; disposing the receiver gives back what it held.
        }
    }

    private static string AsTheOldOneSeesIt(string type) => type == EventTypes.OrderPaid ? "shop.order.paid.v2" : type;

    private async Task<int> CountDeadLettersAsync()
    {
        await using var browser = await bus.BrowseDeadLettersAsync(ProjectorSubscription.Topic, ProjectorSubscription.Name, Cancellation);
        return (await browser.PeekAsync(0, EventBrowser.MaxPage, 1 << 20, Cancellation)).Count;
    }
}
