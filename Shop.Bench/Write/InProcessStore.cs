using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Shop.Bench.Measuring;
using Shop.Commands;
using Shop.Commands.Deciding;

namespace Shop.Bench.Write;

/// <summary>The write side in this process, called below HTTP: reading nothing but everything else as the service does it.</summary>
internal sealed class InProcessStore : IAsyncDisposable
{
    public const int Callers = 64;
    public const string NoBroker = "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=none;SharedAccessKey=none;UseDevelopmentEmulator=true;";
    private readonly WebApplication app;
    private readonly CommandWriters writers;

    private InProcessStore(WebApplication app)
    {
        this.app = app;
        writers = app.Services.GetRequiredService<CommandWriters>();
    }

    public IServiceProvider Services => app.Services;

    public static async Task<InProcessStore> StartAsync(
        string connectionString, CancellationToken cancellationToken, string messaging = NoBroker, Action<IServiceCollection>? configure = null)
    {
        var app = CommandsApp.Build([
            "--urls=http://127.0.0.1:0", $"--ConnectionStrings:shopdb={connectionString}", $"--ConnectionStrings:messaging={messaging}", "--Logging:LogLevel:Default=None"], configure);
        await app.StartAsync(cancellationToken);
        var store = new InProcessStore(app);
        while (!store.writers.Started) await Task.Delay(20, cancellationToken);
        return store;
    }

    /// <summary>Places one order, and throws when it was not done.</summary>
    public async Task PlaceAsync()
    {
        var outcome = await writers.SubmitAsync(new Submission(Catalogue.NextOrder(), ifMatch: null, trusted: false, traceParent: null));
        if (outcome is not Outcome.Done { Replayed: false }) throw new InvalidOperationException($"An order was not placed: {outcome}");
    }

    /// <summary>Orders per second of <see cref="Callers"/> callers.</summary>
    public Task<double> RunAsync(TimeSpan duration, CancellationToken cancellationToken) => Load.RunAsync(Callers, duration, _ => PlaceAsync(), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await app.StopAsync();
        await app.DisposeAsync();
    }
}
