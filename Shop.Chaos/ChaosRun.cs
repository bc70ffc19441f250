using MongoDB.Driver;
using Shop.Chaos.Checks;
using Shop.Chaos.Clients;
using Shop.Chaos.Faults;
using Shop.Chaos.History;
using Shop.Chaos.Report;
using Shop.Chaos.Schedule;
using Shop.Chaos.Stage;
using Shop.Contracts.Views;
using Shop.Local;
using Shop.Local.Administration;

namespace Shop.Chaos;

/// <summary>One run: a shop, clients, faults, quiet, checks.</summary>
internal sealed class ChaosRun(ChaosOptions options, TimeProvider time)
{
    /// <summary>Traffic without faults, at the end: what is wrong then cannot be a fault's doing.</summary>
    private static readonly TimeSpan calm = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan longestCalm = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan quietPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan look = TimeSpan.FromMilliseconds(500);

    public async Task<RunResult> RunAsync(CancellationToken cancellationToken)
    {
        var directory = Directory.CreateTempSubdirectory("shop-chaos-").FullName;
        try
        {
            return await RunAsync(directory, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            Directory.Delete(directory, recursive: true);
            throw;
        }
    }

    private async Task<RunResult> RunAsync(string directory, CancellationToken cancellationToken)
    {
        var schedule = FaultSchedule.Create(options.Seed, options.Length, options.Faults, options.Pace);
        await File.WriteAllLinesAsync(Path.Combine(directory, "schedule.txt"), schedule.Select(fault => fault.ToString()), cancellationToken);
        var (disks, skipped) = await DisksAsync(schedule, cancellationToken);
        var clocks = new Clocks(directory);
        var behaviour = new BrokerBehaviour(Path.Combine(directory, "broker-faults.json"));
        var stage = new StageOptions(directory, disks, behaviour.BrokerArguments, service => EnvironmentOf(service, schedule, clocks));
        Console.WriteLine(FormattableString.Invariant($"Seed {options.Seed}: {schedule.Count} faults in {options.Length.TotalMinutes:0.##} minutes; the shop is in {directory}."));
        await using var shop = await ChaosShop.StartAsync(stage, time, cancellationToken);
        using var journal = new Journal(Path.Combine(directory, "history.ndjson"), time);
        var result = await RunAsync(shop, journal, schedule, disks, clocks, behaviour, cancellationToken);
        foreach (var why in skipped.Concat(result.Skipped).Distinct()) Console.WriteLine($"skipped: {why}");
        return result with { Skipped = [.. skipped.Concat(result.Skipped).Distinct()], Directory = directory };
    }

    private async Task<RunResult> RunAsync(
        ChaosShop shop, Journal journal, IReadOnlyList<Fault> schedule, IReadOnlyList<SmallDisk> disks, Clocks clocks, BrokerBehaviour behaviour,
        CancellationToken cancellationToken)
    {
        using var population = new Population(journal);
        await population.FoundAsync(Topology.Commands[0], shop.ClientUrl(Topology.Commands[0]));
        await using var audit = new Audit(shop.MessagingConnectionString, journal, time);
        await using var poison = new PoisonPen(shop.MessagingConnectionString, time);
        var rebuild = new RebuildUnderFire(shop, time);
        var injector = new FaultInjector(shop, journal, behaviour, clocks, rebuild, poison, disks, time);
        population.Start(options.Seed, options.OrdersPerSecond, shop.ClientUrl, time);
        var watch = new ComebackWatch(shop, journal, population, time);
        await watch.MeasureNormalAsync(cancellationToken);
        await injector.RunAsync(schedule, fault => Console.WriteLine($"  {fault}"), cancellationToken);

        var lastFaultEnded = journal.Now;
        var comeback = await watch.WaitAsync(lastFaultEnded, cancellationToken);
        var calmFrom = journal.Now;
        await CalmAsync(audit, calmFrom, cancellationToken);
        var calmSpan = (calmFrom, journal.Now);
        await population.StopAsync();
        await rebuild.SettleAsync(quietPatience, cancellationToken);
        var (write, read) = await QuietAsync(shop, journal, audit, cancellationToken);
        // With a seeded bug, what was found already is enough: a comparison waits long for what will never be equal.
        var verified = options.Bug is null ? await VerifyAsync(shop, cancellationToken) : null;
        var deadLetters = await DeadLettersAsync(shop, cancellationToken);

        var (history, deliveries) = (journal.Copy(), audit.Deliveries);
        List<string> ended = [.. shop.Parts.SelectMany(part => part.EndedByItself.Select(end => $"{part.Name} ended by itself: {end}"))];
        List<Violation> violations =
        [
            .. CommandEffects.Check(history, write), .. OutboxLog.Check(write, deliveries, calmSpan, brokerKeptOrder: true),
            .. ReadsExplained.Check(history, write), .. ReadModelFold.Check(write, read), .. options.Bug is null ? Verification(verified) : [],
            .. Letters.Check(deadLetters, write.Parked, poison.Published), .. Recovery.Check(comeback, ended), .. Coverage.Check(history, deliveries, calmSpan),
        ];
        return new RunResult(options, [.. violations.OrderBy(violation => violation.At)], history, write, comeback, journal.Now, injector.Skipped, shop.Directory,
            Coverage.Doubts(history, deliveries));
    }

    /// <summary>Until there is enough to look at.</summary>
    private async Task CalmAsync(Audit audit, double from, CancellationToken cancellationToken)
    {
        for (var began = time.GetTimestamp(); time.GetElapsedTime(began) < longestCalm; await Task.Delay(look, time, cancellationToken))
        {
            if (time.GetElapsedTime(began) > calm && audit.Deliveries.Count(delivery => delivery.At >= from) > 2 * OutboxLog.FewestInCalm) return;
        }
    }

    /// <summary>Until everything that was committed is published, delivered, projected and summed, or nothing has moved for too long.</summary>
    private async Task<(WriteSide, ReadSide)> QuietAsync(ChaosShop shop, Journal journal, Audit audit, CancellationToken cancellationToken)
    {
        using var client = new MongoClient(shop.ReadConnectionString);
        for (var began = time.GetTimestamp(); ; await Task.Delay(look, time, cancellationToken))
        {
            var write = await ContentReader.ReadWriteSideAsync(shop.WriteConnectionString, cancellationToken);
            var read = await ContentReader.ReadReadSideAsync(client, cancellationToken);
            var isQuiet = !ReadModelFold.Check(write, read).Any() && !OutboxLog.Check(write, audit.Deliveries, (0, -1), brokerKeptOrder: false).Any();
            if (isQuiet || time.GetElapsedTime(began) > (options.Bug is null ? quietPatience : quietPatience / 4)) return (write, read);
            // What no waiting can put right is enough to have found a seeded bug.
            if (options.Bug is not null && (CommandEffects.Check(journal.Copy(), write).Any() || ReadsExplained.Check(journal.Copy(), write).Any())) return (write, read);
        }
    }

    private static async Task<ComparisonReport?> VerifyAsync(ChaosShop shop, CancellationToken cancellationToken)
    {
        using var administration = new ProjectorAdministration(shop.AdministrationOf(Topology.Projectors[0]), shop.AdminKey);
        try
        {
            ComparisonReport? report = null;
            await foreach (var line in administration.VerifyAsync(cancellationToken)) report = line.Report ?? report;
            return report;
        }
        catch (Exception exception) when (exception is HttpRequestException or LocalRunException or IOException)
        {
            Console.WriteLine($"The verification broke off: {exception.Message}");
            return null;
        }
    }

    private static IEnumerable<Violation> Verification(ComparisonReport? report)
    {
        const string rule = "rebuild --verify finds the read model equal";
        if (report is null) return [new('d', rule, "", Violation.AtTheEnd, "the verification did not come to an end", [])];
        if (report.Checked == 0 || report.Unsettled > 0) return [new('d', rule, "", Violation.AtTheEnd, $"the verification compared {report.Checked} and left {report.Unsettled} open", [])];
        return report.IsEqual() ? [] : report.Differences.Select(difference => new Violation('d', rule, $"{difference.What}/{difference.Id}", Violation.AtTheEnd, $"{difference.Verdict} {difference.What} {difference.Id}: {difference.Detail}", []));
    }

    private static async Task<List<(Guid, string)>> DeadLettersAsync(ChaosShop shop, CancellationToken cancellationToken)
    {
        using var administration = new ProjectorAdministration(shop.AdministrationOf(Topology.Projectors[0]), shop.AdminKey);
        var list = await administration.ListDeadLettersAsync(new DeadLetterSelection(), cancellationToken);
        return [.. list.DeadLetters.Select(letter => (letter.Id, $"{letter.Reason}: {letter.Description}"))];
    }

    private static async Task<(List<SmallDisk>, List<string>)> DisksAsync(IReadOnlyList<Fault> schedule, CancellationToken cancellationToken)
    {
        var parts = schedule.Where(fault => fault.Kind == FaultKind.Disk).Select(fault => fault.Target).Distinct().ToList();
        if (parts.Count == 0) return ([], []);
        return await SmallDisk.WhyNotAsync(cancellationToken) is { } why ? ([], [why]) : ([.. parts.Select(part => new SmallDisk(part))], []);
    }

    private Dictionary<string, string> EnvironmentOf(string service, IReadOnlyList<Fault> schedule, Clocks clocks)
    {
        // Only a clock that is going to jump is taken out of the system's hands.
        var moved = schedule.Any(fault => fault.Kind == FaultKind.Clock && fault.Target == service);
        var environment = moved ? new Dictionary<string, string>(clocks.Environment(service)) : [];
        if (options.Bug is { } bug) environment["SHOP_SEEDED_BUG"] = bug;
        return environment;
    }
}
