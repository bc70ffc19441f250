using System.Globalization;
using Shop.Contracts.Administration;
using Shop.Contracts.Views;
using Shop.Local.Verbs;
using Spectre.Console;

namespace Shop.Local.Administration;

/// <summary>A rebuild or a verification as a person sees it: a bar on a terminal, a line per tenth elsewhere, and the report at the end.</summary>
internal sealed class RebuildRun(ProjectorAdministration administration, TimeProvider time)
{
    private static readonly TimeSpan step = TimeSpan.FromMilliseconds(250);

    /// <summary>A projector that was killed is back by then, or another one is asked.</summary>
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(60);

    private static bool IsTerminal => AnsiConsole.Profile.Capabilities.Interactive && !Console.IsOutputRedirected;

    public async Task<int> RebuildAsync(CancellationToken cancellationToken)
    {
        var status = await administration.RebuildAsync("", cancellationToken);
        Console.WriteLine($"Filling generation {status.Rebuild!.Generation} beside generation {status.Live}, which stays live. Interrupting this command does not interrupt the rebuild.");
        status = await WatchAsync(report => FollowAsync(status, report, cancellationToken));
        var rebuild = status.Rebuild!;
        if (rebuild.Report is { } found) Write(found);
        switch (rebuild.Phase)
        {
            case RebuildPhase.Live:
                Console.WriteLine($"Generation {rebuild.Generation} is live. Go back with ./shop rebuild --rollback, or drop the one before with ./shop rebuild --retire.");
                return ShopCommandLine.Done;
            case RebuildPhase.Different:
                Console.WriteLine($"Generation {status.Live} stays live. Try again with ./shop rebuild orders, or give up with ./shop rebuild --retire.");
                return ShopCommandLine.Failed;
            default:
                Console.WriteLine($"The rebuild was given up ({rebuild.Phase}).");
                return ShopCommandLine.Failed;
        }
    }

    public async Task<int> StepAsync(string path, CancellationToken cancellationToken)
    {
        var status = await administration.RebuildAsync(path, cancellationToken);
        Console.WriteLine($"Live: generation {status.Live}. Written: {string.Join(", ", status.Writing)}.");
        return ShopCommandLine.Done;
    }

    public async Task<int> VerifyAsync(CancellationToken cancellationToken)
    {
        var report = await WatchAsync(async show =>
        {
            ComparisonReport? last = null;
            await foreach (var line in administration.VerifyAsync(cancellationToken))
            {
                last = line.Report ?? last;
                if (line.What is { } what) show($"comparing {what}", line.Done, line.Total);
            }

            return last ?? throw new LocalRunException("The verification broke off: Shop.Projector or one of its stores went away.");
        });
        Write(report);
        return report.IsEqual() ? ShopCommandLine.Done : ShopCommandLine.Failed;
    }

    private async Task<RebuildStatus> FollowAsync(RebuildStatus status, Action<string, long, long> report, CancellationToken cancellationToken)
    {
        var heard = time.GetTimestamp();
        while (status.Rebuild is { } rebuild && RebuildPhase.IsRunning(rebuild.Phase))
        {
            report(rebuild.Phase == RebuildPhase.Summing ? "summing" : $"{rebuild.Phase} {rebuild.Kind}", rebuild.Done, rebuild.Total);
            await Task.Delay(step, time, cancellationToken);
            try
            {
                status = await administration.RebuildStatusAsync(cancellationToken);
                heard = time.GetTimestamp();
            }
            catch (Exception exception) when (exception is HttpRequestException or LocalRunException && time.GetElapsedTime(heard) < patience)
            {
                report($"waiting for Shop.Projector ({exception.Message})", rebuild.Done, rebuild.Total);
            }
        }

        return status;
    }

    private static Task<T> WatchAsync<T>(Func<Action<string, long, long>, Task<T>> runAsync)
    {
        if (!IsTerminal) return runAsync(new PlainProgress().Report);
        return AnsiConsole.Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .StartAsync(context =>
            {
                var bar = context.AddTask("", maxValue: 1);
                return runAsync((what, done, total) =>
                {
                    bar.Description = Markup.Escape(what);
                    bar.MaxValue = Math.Max(1, total);
                    bar.Value = done;
                });
            });
    }

    private static void Write(ComparisonReport report)
    {
        foreach (var difference in report.Differences)
            Console.WriteLine($"{difference.Verdict}\t{difference.What}\t{difference.Id}\t{difference.Detail}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"Generation {report.Generation}: {report.Checked:N0} checked, {report.Missing:N0} missing, {report.Extra:N0} extra, {report.Different:N0} different"));
        if (report.Unsettled > 0) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{report.Unsettled:N0} summaries kept changing and are marked to be summed again"));
        var shown = Math.Min(report.Missing + report.Extra + report.Different + report.Unsettled, report.Differences.Count);
        if (report.Missing + report.Extra + report.Different + report.Unsettled > shown) Console.WriteLine($"Only the first {shown:N0} are listed.");
    }

    private sealed class PlainProgress
    {
        private string last = "";

        public void Report(string what, long done, long total)
        {
            var line = $"{what}: {(total == 0 ? 100 : done * 10 / total * 10)} %";
            if (line == last) return;
            last = line;
            Console.WriteLine(line);
        }
    }
}
