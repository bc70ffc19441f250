using System.Globalization;
using System.Threading.Channels;
using Shop.Local.Supervision;
using Spectre.Console;

namespace Shop.Local.Verbs;

/// <summary>What runs where: one table, kept current on a terminal; elsewhere a line per change, and the table once all is up.</summary>
internal sealed class ShopScreen
{
    private const int RememberedUpdates = 256;

    /// <summary>From this many columns on a connection string fits into the table.</summary>
    private const int FullTableWidth = 200;

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

        // Two live tables: between them the connection strings, which a table would break into pieces that nobody can copy.
        var caption = await ShowLiveAsync(caption: null);
        if (caption is null) return;
        if (!IsWide) WriteAddresses(statuses.Values);
        await ShowLiveAsync(caption);
    }

    /// <summary>The table, and where it has no room for them the connection strings below it.</summary>
    public static void Write(IReadOnlyList<PartStatus> parts)
    {
        AnsiConsole.Write(Table(parts));
        if (!IsWide) WriteAddresses(parts);
    }

    private static bool IsWide => AnsiConsole.Profile.Width >= FullTableWidth;

    // By the console itself: it does not break lines, the terminal only shows them broken.
    private static void WriteAddresses(IEnumerable<PartStatus> parts)
    {
        foreach (var part in parts.Where(part => part.State != PartState.External)) Console.WriteLine($"{PartNames.Of(part.Part),-15} {part.Address}");
    }

    /// <summary>Until the caption arrives, which it answers, or without an end when it is there.</summary>
    private async Task<string?> ShowLiveAsync(string? caption) =>
        await AnsiConsole.Live(Current(caption)).AutoClear(caption is null).StartAsync(async live =>
        {
            // A live display draws nothing by itself before the first change, which may be hours away.
            live.Refresh();
            await foreach (var update in updates.Reader.ReadAllAsync())
            {
                if (update.Caption is { } arrived) return arrived;
                if (update.Part is { } part) statuses[part.Part] = part;
                live.UpdateTarget(Current(caption));
            }

            return null;
        });

    private Table Current(string? caption) => caption is null ? Table(statuses.Values) : Table(statuses.Values).Caption(caption);

    private static Table Table(IEnumerable<PartStatus> parts)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("part", "state", "address", "process", "restarts", "note");
        table.Columns[0].NoWrap();
        table.Columns[2].NoWrap();
        foreach (var part in parts)
        {
            table.AddRow(
                new Text(PartNames.Of(part.Part)), new Markup($"[{Colour(part.State)}]{part.State}[/]"), new Text(IsWide ? part.Address : Short(part.Address)),
                new Text(part.ProcessId?.ToString(CultureInfo.InvariantCulture) ?? ""), new Text(part.Restarts.ToString(CultureInfo.InvariantCulture)), new Text(part.Note ?? ""));
        }

        return table;
    }

    /// <summary>Host and port of a connection string; a URL is short enough.</summary>
    private static string Short(string address) => address.Split(';') switch
    {
        [var host, var port, ..] when host.StartsWith("Host=", StringComparison.Ordinal) => $"{host["Host=".Length..]}:{port["Port=".Length..]}",
        [var endpoint, ..] when endpoint.StartsWith("Endpoint=", StringComparison.Ordinal) => endpoint["Endpoint=".Length..],
        _ => address,
    };

    private void WritePlain(ScreenUpdate update)
    {
        if (update.Part is { } part)
        {
            statuses[part.Part] = part;
            var at = TimeProvider.System.GetLocalNow().ToString("HH:mm:ss", CultureInfo.InvariantCulture);
            Console.WriteLine($"{at} {PartNames.Of(part.Part)}: {part.State}{(part.Note is null ? "" : $" ({part.Note})")}");
        }

        if (update.Caption is not { } caption) return;
        Write([.. statuses.Values]);
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
