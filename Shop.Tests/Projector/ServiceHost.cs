using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Shop.Projector;
using Shop.Queries;

namespace Shop.Tests.Projector;

/// <summary>A service of the read side on a free port, in this process, built as its Program builds it.</summary>
internal sealed class ServiceHost : IAsyncDisposable
{
    private readonly WebApplication app;

    private ServiceHost(WebApplication app)
    {
        this.app = app;
        Http = new HttpClient { BaseAddress = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()) };
    }

    public const string AdminKey = "a-key-for-tests-only";

    public HttpClient Http { get; }

    public IServiceProvider Services => app.Services;

    /// <summary>The last address: the administration port, when the service was given one.</summary>
    public string AdministrationUrl => app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Last();

    public static Task<ServiceHost> StartQueriesAsync(string readdb, CancellationToken cancellationToken, params string[] more) =>
        StartAsync(QueriesApp.Build([.. Arguments(readdb), .. more]), cancellationToken);

    public static Task<ServiceHost> StartProjectorAsync(string readdb, string messaging, CancellationToken cancellationToken, params string[] more) =>
        StartAsync(ProjectorApp.Build([.. Arguments(readdb), $"--ConnectionStrings:messaging={messaging}", .. more]), cancellationToken);

    /// <summary>With an administration port, for the projector's own verbs.</summary>
    public static Task<ServiceHost> StartAdministeredProjectorAsync(string readdb, string messaging, CancellationToken cancellationToken, params string[] more) =>
        StartProjectorAsync(readdb, messaging, cancellationToken, ["--Shop:AdminUrl=http://127.0.0.1:0", $"--Shop:AdminKey={AdminKey}", .. more]);

    public async Task<JsonElement> GetJsonAsync(string path, CancellationToken cancellationToken)
    {
        using var response = await Http.GetAsync(path, cancellationToken);
        var body = await response.Content.ReadAsStringAsync(cancellationToken);
        Assert.True(response.IsSuccessStatusCode, $"{(int)response.StatusCode}: {body}");
        return JsonDocument.Parse(body).RootElement;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await app.StopAsync(CancellationToken.None);
        await app.DisposeAsync();
    }

    private static async Task<ServiceHost> StartAsync(WebApplication app, CancellationToken cancellationToken)
    {
        await app.StartAsync(cancellationToken);
        return new(app);
    }

    private static string[] Arguments(string readdb) =>
        ["--urls=http://127.0.0.1:0", $"--ConnectionStrings:readdb={readdb}", "--Logging:LogLevel:Default=Critical"];
}
