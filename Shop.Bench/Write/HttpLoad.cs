using System.Text.Json;
using Shop.Bench.Measuring;
using Shop.Bench.Parts;
using Shop.Contracts.Commands;

namespace Shop.Bench.Write;

/// <summary>Connections that post one order after the other.</summary>
internal sealed class HttpLoad : IDisposable
{
    public const int Connections = 128;
    private readonly List<HttpCaller> callers = [];

    public static async Task<HttpLoad> ConnectAsync(string url, CancellationToken cancellationToken)
    {
        var load = new HttpLoad();
        for (var index = 0; index < Connections; index++) load.callers.Add(await HttpCaller.ConnectAsync(url, cancellationToken));
        return load;
    }

    /// <summary>Orders per second over all connections.</summary>
    public Task<double> RunAsync(TimeSpan duration, CancellationToken cancellationToken) => Load.RunAsync(Connections, duration, caller =>
        callers[caller].PostJsonAsync("/commands", JsonSerializer.SerializeToUtf8Bytes<Command>(Catalogue.NextOrder(), CommandJson.Default.Command), cancellationToken), cancellationToken);

    public void Dispose() => callers.ForEach(caller => caller.Dispose());
}
