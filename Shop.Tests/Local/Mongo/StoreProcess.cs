using System.Diagnostics;
using MongoDB.Driver;

namespace Shop.Tests.Local.Mongo;

/// <summary>The store as a process of its own, which can be killed.</summary>
internal sealed class StoreProcess : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private readonly Process process;

    private StoreProcess(Process process, string connectionString)
    {
        this.process = process;
        ConnectionString = connectionString;
    }

    public string ConnectionString { get; }

    public static Process Run(params string[] arguments) => Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Shop.Local.dll"), "mongo", .. arguments])
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true
    })!;

    public static async Task<StoreProcess> StartAsync(string directory, CancellationToken cancellationToken)
    {
        var process = Run("--port", "0", "--data", directory);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Deadline);
        while (await process.StandardOutput.ReadLineAsync(deadline.Token) is { } line)
            if (line.Contains("mongodb://", StringComparison.Ordinal))
                return new StoreProcess(process, line[line.IndexOf("mongodb://", StringComparison.Ordinal)..line.IndexOf(',', StringComparison.Ordinal)]);
        throw new InvalidOperationException(await process.StandardError.ReadToEndAsync(deadline.Token));
    }

    public MongoClient Connect()
    {
        var settings = MongoClientSettings.FromConnectionString(ConnectionString);
        settings.ServerSelectionTimeout = TimeSpan.FromSeconds(5);
        return new MongoClient(settings);
    }

    /// <summary>SIGKILL: nothing in the process gets to run any more.</summary>
    public async Task KillAsync(CancellationToken cancellationToken)
    {
        process.Kill();
        await process.WaitForExitAsync(cancellationToken);
    }

    public void Dispose()
    {
        if (!process.HasExited)
            process.Kill();
        process.Dispose();
    }
}
