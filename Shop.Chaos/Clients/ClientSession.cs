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
    private const int MaxAttempts = 7, MostSeen = 4, Remembered = 12;
    private static readonly TimeSpan readPatience = TimeSpan.FromSeconds(4);

    private readonly Random random = new(HashCodeOf(seed, number));
    private readonly Dictionary<string, int> versions = [];
    private readonly List<string> recent = [];
    private readonly List<string> orders = [];
    private int placed;
    private int sent;

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
        var order = await PlaceAsync(stop);
        if (random.Next(2) == 0) await ReadOrderAsync(order, random.Next(3) > 0);
        if (random.Next(10) < 7) await ChangeAsync(Pick(orders), hotSlot: null, stop);
        if (random.Next(10) < 4) await HotAsync(stop);
        if (random.Next(12) == 0) await RenameAsync(stop);
        for (var reads = random.Next(1, 4); reads > 0; reads--) await ReadAnythingAsync();
    }

    private async Task<string> PlaceAsync(CancellationToken stop)
    {
        var id = FormattableString.Invariant($"c{number}-{++placed}");
        var instant = catalogue.Marks.NextInstant();
        var command = new PlaceOrder(id, Catalogue.CustomerOf(number, random), Catalogue.Lines(random)) { Timestamp = instant };
        // With or without a command id: a creating command is recognised by its content as well.
        if (random.Next(2) == 0) command = command with { CommandId = NextCommandId() };
        await SendAsync(new($"place {id}", command, $"order/{id}", Marks.Of(instant)), ifMatch: null, stop);
        orders.Add(id);
        if (orders.Count > Remembered) orders.RemoveAt(0);
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
        var ifMatch = random.Next(4) == 0 && versions.TryGetValue(subject, out var known) ? known : (int?)null;
        var answer = await SendAsync(new(command.CommandId!, command, subject, Marks.Of(instant)), ifMatch, stop);
        if (hotSlot is { } slot && answer == Answer.Done && command is not PayOrder) catalogue.Finished(slot, order);
    }

    private async Task HotAsync(CancellationToken stop)
    {
        var slot = random.Next(Catalogue.HotSlots);
        var order = catalogue.HotOrder(slot);
        var subject = $"order/{order}";
        if (!versions.ContainsKey(subject)) await SendAsync(Catalogue.PlaceHot(order), ifMatch: null, stop);
        await ChangeAsync(order, slot, stop);
        await ReadOrderAsync(order, random.Next(2) == 0);
    }

    private async Task RenameAsync(CancellationToken stop)
    {
        var (subject, command, name) = random.Next(2) == 0
            ? Named(Catalogue.CustomerOf(number, random), "customer", "Customer", (id, called) => new RenameCustomer(id, called))
            : Named(Catalogue.Product(random.Next(3)), "product", "Product", (id, called) => new RenameProduct(id, called));
        command = command with { CommandId = NextCommandId() };
        await SendAsync(new(command.CommandId!, command, subject, name), ifMatch: null, stop);

        (string, Command, string) Named(string id, string kind, string what, Func<string, string, Command> rename)
        {
            var called = catalogue.Marks.NextName(what);
            return ($"{kind}/{id}", rename(id, called), called);
        }
    }

    private Task ReadAnythingAsync() => random.Next(10) switch
    {
        < 4 => ReadOrderAsync(Pick(orders), random.Next(2) == 0),
        < 6 => ReadOrderAsync(catalogue.HotOrder(random.Next(Catalogue.HotSlots)), random.Next(2) == 0),
        < 8 => ReadCustomerAsync(ReadKind.History),
        8 => ReadCustomerAsync(ReadKind.Summary),
        _ => ReadAsync(ReadKind.BestSellers, "", [], "/products/best-sellers?limit=20"),
    };

    private async Task ReadOrderAsync(string order, bool saysSeen)
    {
        var subject = $"order/{order}";
        var read = await ReadAsync(ReadKind.Order, subject, saysSeen ? SeenWith(subject) : [], $"/orders/{order}");
        foreach (var document in read.Orders ?? []) Know($"order/{document.Id}", document.Version);
    }

    private async Task ReadCustomerAsync(string kind)
    {
        var customer = Catalogue.CustomerOf(number, random);
        var subject = $"customer/{customer}";
        var read = await ReadAsync(kind, subject, random.Next(2) == 0 ? SeenWith(subject) : [], kind == ReadKind.History ? $"/customers/{customer}/orders?limit=50" : $"/customers/{customer}");
        foreach (var document in read.Orders ?? []) Know($"order/{document.Id}", document.Version);
    }

    private Task<Read> ReadAsync(string kind, string subject, IReadOnlyList<Seen> seen, string path)
    {
        var to = Topology.Queries[random.Next(Topology.Queries.Length)];
        return shop.ReadAsync(number, kind, subject, seen, to, urlOf(to), path, readPatience);
    }

    /// <summary>The subject itself, and a few other things that this client has seen lately.</summary>
    private List<Seen> SeenWith(string subject)
    {
        HashSet<string> subjects = [subject];
        for (var more = random.Next(MostSeen); more > 0 && recent.Count > 0; more--) subjects.Add(Pick(recent));
        return [.. subjects.Where(versions.ContainsKey).Select(known => new Seen(known, versions[known]))];
    }

    /// <summary>Until it is answered: the same content and command id to one instance or the other, sometimes to both at once.</summary>
    private async Task<Answer> SendAsync(Intent intent, int? ifMatch, CancellationToken stop)
    {
        var answer = Answer.Refused;
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            var first = random.Next(Topology.Commands.Length);
            // A renaming done twice shows; a payment done twice would be refused by the order's status.
            var both = random.Next(intent.Command is RenameCustomer or RenameProduct ? 3 : 12) == 0;
            var tries = both
                ? await Task.WhenAll(TryAsync(intent, ifMatch, first), TryAsync(intent, ifMatch, 1 - first))
                : [await TryAsync(intent, ifMatch, first)];
            if (tries.Any(one => one.Answer == Answer.Done))
            {
                // A user who clicks again: the answer must be the first one.
                if (random.Next(25) == 0) await TryAsync(intent, ifMatch, random.Next(Topology.Commands.Length));
                return Answer.Done;
            }

            if (tries.Any(one => one.Answer == Answer.Unknown)) answer = Answer.Unknown;
            if (tries.All(one => one.Answer == Answer.Refused && one.Status != 503)) return answer;
            if (stop.IsCancellationRequested) return answer;
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(50, 200 * attempt)), time, CancellationToken.None);
        }

        return answer;
    }

    private async Task<CommandAttempt> TryAsync(Intent intent, int? ifMatch, int instance)
    {
        var to = Topology.Commands[instance];
        var patience = TimeSpan.FromMilliseconds(random.Next(10) == 0 ? 150 : 2500);
        var attempt = await shop.SendAsync(number, intent, ifMatch, to, urlOf(to), patience);
        if (attempt is { Answer: Answer.Done, Version: { } version }) Know(intent.Subject, version);
        return attempt;
    }

    private void Know(string subject, int version)
    {
        lock (versions)
        {
            if (!versions.TryGetValue(subject, out var known) || known < version) versions[subject] = version;
            recent.Remove(subject);
            recent.Add(subject);
            if (recent.Count > Remembered) recent.RemoveAt(0);
        }
    }

    private string NextCommandId() => FormattableString.Invariant($"client-{number}-{++sent}");

    private string Pick(List<string> from) => from[random.Next(from.Count)];
}
