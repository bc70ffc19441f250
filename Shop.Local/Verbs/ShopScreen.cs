using System.Globalization;
using System.Threading.Channels;
using Shop.Local.Supervision;
using Spectre.Console;

namespace Shop.Local.Verbs;

/// <summary>What runs where: one table, kept current on a terminal; elsewhere a line per change, and the table once all is up.</summary>
internal sealed class ShopScreen
{
    private const int RememberedUpdates = 256;
    private readonly SortedDictionary<Part, PartStatus> statuses = [];

    // Dropping the oldest is right: only the newest state of a part matters.
    private readonly Channel<ScreenUpdate> updates = Channel.CreateBounded<ScreenUpdate>(
        new BoundedChannelOptions(RememberedUpdates) { FullMode = BoundedChannelFullMode.DropOldest });

    private static bool IsTerminal => AnsiConsole.Profile.Capabilities.Interactive && !Console.IsOutputRedirected;

    public void Report(PartStatus status) => updates.Writer.TryWrite(new(status, Caption: null));

    /// <summary>All is up; the caption says how long it took and how it ends.</summary>
    public void Announce(string caption) => updates.Writer.TryWrite(new(Part: null, caption));

    /// <summary>Ends <see cref="ShowAsync"/>.</summary>
    public void Complete() => updates.Writer.TryComplete();

    public async Task ShowAsync()
    {
        if (!IsTerminal)
        {
            await foreach (var update in updates.Reader.ReadAllAsync()) WritePlain(update);
            return;
        }

        string? caption = null;
        await AnsiConsole.Live(Table(statuses.Values)).StartAsync(async live =>
        {
            await foreach (var update in updates.Reader.ReadAllAsync())
            {
                caption = update.Caption ?? caption;
                if (update.Part is { } part) statuses[part.Part] = part;
                var table = Table(statuses.Values);
                live.UpdateTarget(caption is null ? table : table.Caption(caption));
            }
        });
    }

    public static Table Table(IEnumerable<PartStatus> parts)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("part", "state", "address", "process", "restarts", "note");
        foreach (var part in parts)
        {
            table.AddRow(
                new Text(PartNames.Of(part.Part)), new Markup($"[{Colour(part.State)}]{part.State}[/]"), new Text(part.Address),
                new Text(part.ProcessId?.ToString(CultureInfo.InvariantCulture) ?? ""), new Text(part.Restarts.ToString(CultureInfo.InvariantCulture)), new Text(part.Note ?? ""));
        }

        return table;
    }

    private void WritePlain(ScreenUpdate update)
    {
        if (update.Part is { } part)
        {
            statuses[part.Part] = part;
            var at = TimeProvider.System.GetLocalNow().ToString("HH:mm:ss", CultureInfo.InvariantCulture);
            Console.WriteLine($"{at} {PartNames.Of(part.Part)}: {part.State}{(part.Note is null ? "" : $" ({part.Note})")}");
        }

        if (update.Caption is not { } caption) return;
        AnsiConsole.Write(Table(statuses.Values));
        Console.WriteLine(caption);
    }

    private static string Colour(PartState state) => state switch
    {
        PartState.Healthy => "green",
        PartState.External => "blue",
        PartState.Starting or PartState.Degraded => "yellow",
        PartState.Stopped => "grey",
        _ => "red",
    };

    private sealed record ScreenUpdate(PartStatus? Part, string? Caption);
}
