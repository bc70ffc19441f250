using Shop.Chaos.History;
using Shop.Chaos.Schedule;
using Shop.Contracts.Commands;

namespace Shop.Chaos.Clients;

/// <summary>
/// A customer's browser that never gives up easily: places an order per cycle, works on its own orders and on the hot ones, renames now and
/// then, and reads all the while, partly saying what it has seen.
/// </summary>
internal sealed class ClientSession(int number, int seed, ShopClient shop, Func<string, string> urlOf, Catalogue catalogue, TimeSpan cycle, TimeProvider time)
{
    private const int MostSeen = 4, Remembered = 12;
    private static readonly TimeSpan readPatience = TimeSpan.FromSeconds(4);

    private readonly Random random = new(HashCodeOf(seed, number));
    private readonly Persistence sender = new(number, shop, urlOf, time);
    private readonly List<string> orders = [];
    private int placed;
    private int sent;
    private int newcomers;

    private Knowledge Knowledge => sender.Knowledge;

    private static int HashCodeOf(int seed, int number) => unchecked((seed * 397) ^ (number * 7919));

    public async Task RunAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(cycle, time);
        try
        {
            do await CycleAsync(stop);
            while (await timer.WaitForNextTickAsync(stop));
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The run is over; nothing is under way.
        }
    }

    private async Task CycleAsync(CancellationToken stop)
    {
        if (random.Next(4) == 0)
        {
            await NewcomerAsync(stop);
            return;
        }

        var order = await PlaceAsync(Catalogue.CustomerOf(number, random), Catalogue.Lines(random), stop);
        if (random.Next(2) == 0) await ReadOrderAsync(order, random.Next(3) > 0);
        if (random.Next(10) < 7) await ChangeAsync(Pick(orders), hotSlot: null, stop);
        if (random.Next(10) < 4) await HotAsync(stop);
        if (random.Next(12) == 0) await RenameAsync(stop);
        for (var reads = random.Next(1, 4); reads > 0; reads--) await ReadAnythingAsync();
    }

    /// <summary>
    /// A customer whom nobody else knows orders once or twice, perhaps something that nobody else buys, and perhaps his name or the article's
    /// is corrected at the same moment; then nothing ever happens to them again. What goes wrong here no later traffic puts right.
    /// </summary>
    private async Task NewcomerAsync(CancellationToken stop)
    {
        var customer = FormattableString.Invariant($"new-{number}-{++newcomers}");
        var name = catalogue.Marks.NextName("Customer");
        await SendAsync(new($"register {customer}", new RegisterCustomer(customer, name), $"customer/{customer}", name), ifMatch: null, stop);
        IReadOnlyList<PlaceOrderLine> lines = Catalogue.Lines(random);
        var product = random.Next(2) == 0 ? FormattableString.Invariant($"special-{number}-{newcomers}") : null;
        if (product is not null)
        {
            var called = catalogue.Marks.NextName("Product");
            await SendAsync(new($"add {product}", new AddProduct(product, called, Catalogue.SpecialPrice), $"product/{product}", called), ifMatch: null, stop);
            lines = [new(product, 1 + random.Next(3), Catalogue.SpecialPrice), .. lines.Take(1)];
        }

        var renamed = random.Next(3) switch
        {
            0 => Task.CompletedTask,
            1 when product is not null => RenameAsync($"product/{product}", called => new RenameProduct(product, called), stop),
            _ => RenameAsync($"customer/{customer}", called => new RenameCustomer(customer, called), stop),
        };
        var order = await PlaceAsync(customer, lines, stop);
        await renamed;
        if (random.Next(3) == 0) await ReadCustomerAsync(ReadKind.Summary, customer, [$"order/{order}", $"customer/{customer}"]);
        if (random.Next(3) == 0) await ReadCustomerAsync(ReadKind.History, customer, [$"order/{order}", $"customer/{customer}"]);
        if (random.Next(3) == 0) await PlaceAsync(customer, lines, stop);
        await ReadAnythingAsync();
    }

    private async Task<string> PlaceAsync(string customer, IReadOnlyList<PlaceOrderLine> lines, CancellationToken stop)
    {
        var id = FormattableString.Invariant($"c{number}-{++placed}");
        var instant = catalogue.Marks.NextInstant();
        var command = new PlaceOrder(id, customer, lines) { Timestamp = instant };
        // With or without a command id: a creating command is recognised by its content as well.
        if (random.Next(2) == 0) command = command with { CommandId = NextCommandId() };
        // Some orders are never touched again.
        if (orders.Count == 0 || random.Next(3) > 0) orders.Add(id);
        if (orders.Count > Remembered) orders.RemoveAt(0);
        await SendAsync(new($"place {id}", command, $"order/{id}", Marks.Of(instant)), ifMatch: null, stop);
        return id;
    }

    private async Task ChangeAsync(string order, int? hotSlot, CancellationToken stop)
    {
        var instant = catalogue.Marks.NextInstant();
        Command command = random.Next(10) switch
        {
            < 5 => new PayOrder(order) { Timestamp = instant },
            < 9 => new ShipOrder(order) { Timestamp = instant },
            _ => new CancelOrder(order) { Timestamp = instant },
        };
        command = command with { CommandId = NextCommandId() };
        var subject = $"order/{order}";
        var ifMatch = random.Next(4) == 0 ? Knowledge.VersionOf(subject) : null;
        var answer = await SendAsync(new(command.CommandId!, command, subject, Marks.Of(instant)), ifMatch, stop);
        if (hotSlot is { } slot && answer == Answer.Done && command is not PayOrder) catalogue.Finished(slot, order);
    }

    private async Task HotAsync(CancellationToken stop)
    {
        var slot = random.Next(Catalogue.HotSlots);
        var order = catalogue.HotOrder(slot);
        if (Knowledge.VersionOf($"order/{order}") is null) await SendAsync(Catalogue.PlaceHot(order), ifMatch: null, stop);
        await ChangeAsync(order, slot, stop);
        await ReadOrderAsync(order, random.Next(2) == 0);
    }

    private Task RenameAsync(CancellationToken stop)
    {
        var (customer, product) = (Catalogue.CustomerOf(number, random), Catalogue.Product(random.Next(3)));
        return random.Next(2) == 0
            ? RenameAsync($"customer/{customer}", called => new RenameCustomer(customer, called), stop)
            : RenameAsync($"product/{product}", called => new RenameProduct(product, called), stop);
    }

    private async Task RenameAsync(string subject, Func<string, Command> rename, CancellationToken stop)
    {
        var called = catalogue.Marks.NextName(subject[0] == 'c' ? "Customer" : "Product");
        var command = rename(called) with { CommandId = NextCommandId() };
        await SendAsync(new(command.CommandId!, command, subject, called), ifMatch: null, stop);
    }

    private Task ReadAnythingAsync() => random.Next(10) switch
    {
        < 4 => ReadOrderAsync(orders.Count > 0 ? Pick(orders) : catalogue.HotOrder(0), random.Next(2) == 0),
        < 6 => ReadOrderAsync(catalogue.HotOrder(random.Next(Catalogue.HotSlots)), random.Next(2) == 0),
        < 8 => ReadCustomerAsync(ReadKind.History, Catalogue.CustomerOf(number, random), random.Next(2) == 0 ? [] : null),
        8 => ReadCustomerAsync(ReadKind.Summary, Catalogue.CustomerOf(number, random), random.Next(2) == 0 ? [] : null),
        _ => ReadAsync(ReadKind.BestSellers, "", [], "/products/best-sellers?limit=100"),
    };

    private async Task ReadOrderAsync(string order, bool saysSeen)
    {
        var subject = $"order/{order}";
        var read = await ReadAsync(ReadKind.Order, subject, saysSeen ? SeenWith(subject) : [], $"/orders/{order}");
        foreach (var document in read.Orders ?? []) Knowledge.Know($"order/{document.Id}", document.Version);
    }

    /// <summary>Says what it has seen of the customer, of these and of a few other things; nothing when <paramref name="seen"/> is null.</summary>
    private async Task ReadCustomerAsync(string kind, string customer, string[]? seen)
    {
        var subject = $"customer/{customer}";
        var path = kind == ReadKind.History ? $"/customers/{customer}/orders?limit=50" : $"/customers/{customer}";
        var read = await ReadAsync(kind, subject, seen is null ? [] : SeenWith([subject, .. seen]), path);
        foreach (var document in read.Orders ?? []) Knowledge.Know($"order/{document.Id}", document.Version);
    }

    private Task<Read> ReadAsync(string kind, string subject, IReadOnlyList<Seen> seen, string path)
    {
        var to = Topology.Queries[random.Next(Topology.Queries.Length)];
        return shop.ReadAsync(number, kind, subject, seen, to, urlOf(to), path, readPatience);
    }

    private IReadOnlyList<Seen> SeenWith(params string[] subjects) => Knowledge.Seen(subjects, random.Next(MostSeen), random);

    private Task<Answer> SendAsync(Intent intent, int? ifMatch, CancellationToken stop) =>
        // A dice of its own: two commands may be under way at once.
        sender.SendAsync(intent, ifMatch, new Random(random.Next()), stop);

    private string NextCommandId() => FormattableString.Invariant($"client-{number}-{++sent}");

    private string Pick(List<string> from) => from[random.Next(from.Count)];
}
