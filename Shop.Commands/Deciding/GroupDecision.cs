using System.Text.Json;
using Shop.Commands.Customers;
using Shop.Commands.Orders;
using Shop.Commands.Products;
using Shop.Contracts.Commands;
using Shop.Contracts.Events;

namespace Shop.Commands.Deciding;

/// <summary>An event decided by a group, before it has a position.</summary>
internal sealed record DecidedEvent(AggregateId Target, int Shard, string Type, int Version, byte[] Data, string? TraceParent);

/// <summary>
/// Decides a group's commands one after the other, in memory. Pure: it reads and changes only the <see cref="GroupState"/> it is given.
/// </summary>
internal sealed class GroupDecision
{
    /// <summary>The largest event body, in bytes: it must fit a Service Bus message of 256 KB together with its properties.</summary>
    public const int MaxEventBytes = 200 * 1024;

    private readonly GroupState state;
    private readonly DateTimeOffset now;

    private GroupDecision(GroupState state, DateTimeOffset now)
    {
        this.state = state;
        this.now = now;
    }

    /// <summary>One outcome per submission, in order.</summary>
    public List<Outcome> Outcomes { get; } = [];

    public List<DecidedEvent> Events { get; } = [];

    /// <summary>The shards that get events, in ascending order: the order in which their positions are locked.</summary>
    public int[] Shards => [.. Events.Select(decided => decided.Shard).Distinct().Order()];

    /// <summary>What goes to the command log, by command id.</summary>
    public Dictionary<string, LoggedCommand> NewLog { get; } = new(StringComparer.Ordinal);

    public static GroupDecision Decide(IEnumerable<Submission> submissions, GroupState state, DateTimeOffset now)
    {
        var group = new GroupDecision(state, now);
        foreach (var submission in submissions) group.Outcomes.Add(group.Decide(submission));
        return group;
    }

    private Outcome Decide(Submission submission)
    {
        // Retries are judged first: a retry is right whatever has happened to the aggregate since.
        if (Replay(submission) is { } replay) return replay;
        var exists = state.TryFind(submission.Target, out var version, out _);
        if (submission.IfMatch is { } expected && !(exists && version == expected))
            return new Outcome.Refused(Refusals.StaleVersion(submission.Target, exists ? version : null));

        var decision = Decide(submission.Command, submission.Trusted);
        if (decision is Decision.No no) return new Outcome.Refused(no.Refusal);
        return Accept(submission, decision);
    }

    private Outcome? Replay(Submission submission)
    {
        if (submission.Command.CommandId is { } commandId && state.Log.TryGetValue(commandId, out var logged))
        {
            if (!logged.PayloadHash.AsSpan().SequenceEqual(submission.Hash)) return new Outcome.Refused(Refusals.CommandIdReused(commandId));
            var target = new AggregateId(Enum.Parse<AggregateKind>(logged.Result.Kind), logged.Result.Id);
            return new Outcome.Done(target, logged.Result.Version, logged.Result.Created, Replayed: true);
        }

        if (!IsCreating(submission.Command) || !state.TryFind(submission.Target, out _, out var createdHash)) return null;
        return createdHash.AsSpan().SequenceEqual(submission.Hash)
            ? new Outcome.Done(submission.Target, Version: 1, Created: true, Replayed: true)
            : new Outcome.Refused(Refusals.IdTaken(submission.Target));
    }

    private Decision Decide(Command command, bool trusted) => command switch
    {
        RegisterCustomer register => RegisterCustomerDecision.Decide(register),
        RenameCustomer rename => RenameCustomerDecision.Decide(rename, Customer(rename.CustomerId)),
        AddProduct add => AddProductDecision.Decide(add),
        RenameProduct rename => RenameProductDecision.Decide(rename, Product(rename.ProductId)),
        RepriceProduct reprice => RepriceProductDecision.Decide(reprice, Product(reprice.ProductId)),
        DiscontinueProduct discontinue => DiscontinueProductDecision.Decide(discontinue, Product(discontinue.ProductId)),
        PlaceOrder place => PlaceOrderDecision.Decide(place, Customer(place.CustomerId), ProductsOf(place), trusted, now),
        PayOrder pay => PayOrderDecision.Decide(pay, Order(pay.OrderId), now),
        ShipOrder ship => ShipOrderDecision.Decide(ship, Order(ship.OrderId), now),
        CancelOrder cancel => CancelOrderDecision.Decide(cancel, Order(cancel.OrderId), now),
        _ => throw new NotSupportedException($"Nothing decides {command.GetType().Name}."),
    };

    private Outcome Accept(Submission submission, Decision decision)
    {
        var (type, version, data) = decision switch
        {
            Decision.OrderChanged order => (order.EventType, order.State.Version,
                JsonSerializer.SerializeToUtf8Bytes(order.State, EventJson.Default.OrderState)),
            Decision.CustomerChanged customer => (customer.EventType, customer.State.Version,
                JsonSerializer.SerializeToUtf8Bytes(customer.State, EventJson.Default.CustomerState)),
            Decision.ProductChanged product => (product.EventType, product.State.Version,
                JsonSerializer.SerializeToUtf8Bytes(product.State, EventJson.Default.ProductState)),
            _ => throw new NotSupportedException($"{decision.GetType().Name} has no event."),
        };
        if (data.Length > MaxEventBytes) return new Outcome.Refused(Refusals.EventTooLarge(submission.Target, data.Length, MaxEventBytes));

        switch (decision)
        {
            case Decision.OrderChanged order: Apply(state.Orders, submission, order.State); break;
            case Decision.CustomerChanged customer: Apply(state.Customers, submission, customer.State); break;
            case Decision.ProductChanged product: Apply(state.Products, submission, product.State); break;
        }

        Events.Add(new DecidedEvent(submission.Target, submission.Shard, type, version, data, submission.TraceParent));
        var created = IsCreating(submission.Command);
        if (submission.Command.CommandId is { } commandId)
        {
            var logged = new LoggedCommand(submission.Hash, new LoggedResult(submission.Target.Kind.ToString(), submission.Target.Id, version, created));
            state.Log.Add(commandId, logged);
            NewLog.Add(commandId, logged);
        }

        return new Outcome.Done(submission.Target, version, created, Replayed: false);
    }

    private static void Apply<TState>(Dictionary<string, Tracked<TState>> aggregates, Submission submission, TState next)
    {
        if (aggregates.TryGetValue(submission.Target.Id, out var tracked)) (tracked.State, tracked.Changed) = (next, true);
        else aggregates.Add(submission.Target.Id, new Tracked<TState>(next, submission.Hash, loadedVersion: 0));
    }

    private CustomerState? Customer(string id) => state.Customers.TryGetValue(id, out var tracked) ? tracked.State : null;

    private ProductState? Product(string id) => state.Products.TryGetValue(id, out var tracked) ? tracked.State : null;

    private OrderState? Order(string id) => state.Orders.TryGetValue(id, out var tracked) ? tracked.State : null;

    private Dictionary<string, ProductState> ProductsOf(PlaceOrder place)
    {
        var found = new Dictionary<string, ProductState>(place.Items.Count, StringComparer.Ordinal);
        foreach (var line in place.Items)
        {
            if (state.Products.TryGetValue(line.ProductId, out var tracked)) found[line.ProductId] = tracked.State;
        }

        return found;
    }

    private static bool IsCreating(Command command) => command is RegisterCustomer or AddProduct or PlaceOrder;
}
