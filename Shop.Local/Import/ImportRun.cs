using System.Globalization;
using Spectre.Console;

namespace Shop.Local.Import;

/// <summary>An import as a person sees it: a bar on a terminal, a line per tenth elsewhere, and the sums at the end.</summary>
internal static class ImportRun
{
    /// <summary>True when nothing was refused.</summary>
    public static async Task<bool> ShowAsync(ImportClient client, IReadOnlyList<string> paths, string rejectedFile, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        var totals = AnsiConsole.Profile.Capabilities.Interactive && !Console.IsOutputRedirected
            ? await WithBarAsync(client, paths, rejectedFile, cancellationToken)
            : await WithLinesAsync(client, paths, rejectedFile, cancellationToken);
        var seconds = TimeProvider.System.GetElapsedTime(began).TotalSeconds;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{totals.Accepted:N0} accepted, {totals.Replayed:N0} replayed, {totals.Refused:N0} refused; {totals.All / seconds:N0} commands/s"));
        if (totals.Refused > 0) Console.WriteLine($"Refused lines and their reasons: {Path.GetFullPath(rejectedFile)}");
        return totals.Refused == 0;
    }

    private static Task<ImportTotals> WithBarAsync(ImportClient client, IReadOnlyList<string> paths, string rejectedFile, CancellationToken cancellationToken) =>
        AnsiConsole.Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .StartAsync(context =>
            {
                var bar = context.AddTask("Importing", maxValue: 1);
                return client.SendAsync(paths, rejectedFile, (totals, done) =>
                {
                    bar.Value = done;
                    bar.Description = string.Create(CultureInfo.InvariantCulture, $"{totals.All:N0} commands");
                }, cancellationToken);
            });

    private static Task<ImportTotals> WithLinesAsync(ImportClient client, IReadOnlyList<string> paths, string rejectedFile, CancellationToken cancellationToken)
    {
        var tenths = 0;
        return client.SendAsync(paths, rejectedFile, (totals, done) =>
        {
            if ((int)(done * 10) <= tenths) return;
            tenths = (int)(done * 10);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{tenths * 10} %: {totals.All:N0} commands"));
        }, cancellationToken);
    }
}
