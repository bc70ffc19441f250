using Shop.Chaos.Checks;
using Shop.Chaos.Clients;
using Shop.Chaos.History;
using Shop.Contracts.Events;
using Shop.Contracts.Views;

namespace Shop.Tests.Chaos;

/// <summary>Histories in as few words as a test wants to read: one customer, one product, and orders whose steps are numbered instants.</summary>
internal sealed class Recorded
{
    private readonly List<CommandAttempt> commands = [];
    private readonly List<Read> reads = [];
    private readonly List<OutboxRow> outbox = [];
    private readonly Dictionary<string, (string, int)> log = [];
    private long last;

    public Recorded()
    {
        Register(version: 1, "Alice");
        outbox.Add(new(1, outbox.Count(row => row.Shard == 1) + 1, Guid.CreateVersion7(), EventTypes.ProductAdded, "product/p", 1, null, null, new ProductState("p", "Widget", 2m, false, 1, 1)));
        Attempt("add p", "AddProduct", "product/p", "Widget", Answer.Done, version: 1);
    }

    public RecordedHistory History => new(commands, reads, []);

    public WriteSide Write => new(outbox,
        [.. outbox.GroupBy(row => row.Subject).Select(rows => rows.MaxBy(row => row.Version)!).Select(row => new StateRow(row.Subject, row.Version, row.Order?.Status, row.Customer?.Name ?? row.Product?.Name))],
        log, outbox.GroupBy(row => row.Shard).ToDictionary(shard => shard.Key, shard => shard.Max(row => row.Position)), []);

    public IReadOnlyList<Delivery> Deliveries => [.. outbox.Select((row, index) => new Delivery(row.EventId, row.Subject, row.Version, index + 1, index, index))];

    public List<OutboxRow> Outbox => outbox;

    public static DateTimeOffset Instant(int number) => new(2024, 3, 1, 0, 0, number, TimeSpan.Zero);

    public void Register(int version, string name)
    {
        outbox.Add(new(0, outbox.Count(row => row.Shard == 0) + 1, Guid.CreateVersion7(), version == 1 ? EventTypes.CustomerRegistered : EventTypes.CustomerRenamed, "customer/a", version,
            null, new CustomerState("a", name, version, version), null));
        Attempt($"name {version}", version == 1 ? "RegisterCustomer" : "RenameCustomer", "customer/a", name, Answer.Done, version);
    }

    /// <summary>An event without the command that caused it.</summary>
    public OrderState Happened(string order, int version, int mark, int customerVersion = 1, string customerName = "Alice")
    {
        var state = new OrderState(order, version, "a", customerName, customerVersion, Instant(0), 4m, version == 1 ? OrderStatus.Pending : OrderStatus.Paid, [new("p", "Widget", 1, 2, 2m)],
            PaidAt: version == 1 ? null : Instant(mark));
        if (version == 1) state = state with { OrderDate = Instant(mark) };
        outbox.Add(new(2, outbox.Count(row => row.Shard == 2) + 1, Guid.CreateVersion7(), version == 1 ? EventTypes.OrderPlaced : EventTypes.OrderPaid, $"order/{order}", version, state, null, null));
        return state;
    }

    public void Logged(string commandId, string subject, int version) => log[commandId] = (subject, version);

    public CommandAttempt Attempt(string key, string type, string subject, string mark, Answer answer, int? version = null, double start = 0, double end = 0, string? commandId = null, int? ifMatch = null, bool replayed = false, string? detail = null)
    {
        var attempt = new CommandAttempt(++last, 1, key, type, subject, mark, commandId, ifMatch, "commands-1", start, end, answer, answer == Answer.Unknown ? null : 200, version, replayed, detail);
        commands.Add(attempt);
        return attempt;
    }

    public CommandAttempt Order(string order, int mark, Answer answer, int? version = null, double start = 0, double end = 0, string? commandId = null, string type = "PlaceOrder", int? ifMatch = null, bool replayed = false, string? detail = null) =>
        Attempt(commandId ?? $"{type} {order}", type, $"order/{order}", Marks.Of(Instant(mark)), answer, version, start, end, commandId, ifMatch, replayed, detail);

    public static OrderDocument Document(OrderState state, string? name = null, int? nameVersion = null) => new(
        state.OrderId, state.Version, state.CustomerId, name ?? state.CustomerName, nameVersion ?? state.CustomerVersion, state.OrderDate, state.TotalAmount, state.Status, state.PaidAt, null, null,
        [.. state.Items.Select(line => new OrderDocumentLine(line.ProductId, line.ProductName, line.ProductVersion, line.Quantity, line.Price))]);

    public void Saw(double start, double end, OrderDocument? document, string subject, int client = 1, params Seen[] seen) =>
        reads.Add(new(++last, client, ReadKind.Order, subject, seen, "queries-1", start, end, document is null ? 404 : 200, document is null ? null : [document]));

    public void Listed(IReadOnlyList<OrderDocument> documents, bool isComplete, params Seen[] seen) =>
        reads.Add(new(++last, 1, ReadKind.History, "customer/a", seen, "queries-1", 0, 1, 200, documents, isComplete));

    public void Summed(long orders, decimal total, string name, int version, params Seen[] seen) =>
        reads.Add(new(++last, 1, ReadKind.Summary, "customer/a", seen, "queries-1", 0, 1, 200, Summary: new CustomerSummary("a", name, version, orders, total, null)));
}
