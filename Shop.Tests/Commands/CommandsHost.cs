using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Shop.Commands;
using Shop.Contracts.Commands;

namespace Shop.Tests.Commands;

/// <summary>Shop.Commands on free ports, in this process, as its Program starts it.</summary>
internal sealed class CommandsHost : IAsyncDisposable
{
    public const string AdminKey = "a-key-for-tests-only";
    public const string NoBroker = "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=none;SharedAccessKey=none;UseDevelopmentEmulator=true;";
    private readonly WebApplication app;

    private CommandsHost(WebApplication app)
    {
        this.app = app;
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ToArray();
        Http = new HttpClient { BaseAddress = new Uri(addresses[0]) };
        Administration = new HttpClient { BaseAddress = new Uri(addresses[^1]) };
        Administration.DefaultRequestHeaders.Add("X-Admin-Key", AdminKey);
    }

    public HttpClient Http { get; }

    public HttpClient Administration { get; }

    public IServiceProvider Services => app.Services;

    public static Task<CommandsHost> StartAsync(string postgres, string messaging, CancellationToken cancellationToken, params string[] settings) =>
        StartAsync(postgres, messaging, null, cancellationToken, settings);

    public static async Task<CommandsHost> StartAsync(
        string postgres, string messaging, Action<IServiceCollection>? configure, CancellationToken cancellationToken, params string[] settings)
    {
        var app = CommandsApp.Build([
            .. settings,
            "--urls=http://127.0.0.1:0", "--Shop:AdminUrl=http://127.0.0.1:0", $"--Shop:AdminKey={AdminKey}",
            $"--ConnectionStrings:shopdb={postgres}", $"--ConnectionStrings:messaging={messaging}", "--Logging:LogLevel:Default=Error", "--Logging:LogLevel:Microsoft.Extensions.Diagnostics.HealthChecks=None"], configure);
        await app.StartAsync(cancellationToken);
        var host = new CommandsHost(app);
        await Eventually.TrueAsync(async () => (await host.Http.GetAsync("/health", cancellationToken)).IsSuccessStatusCode, "the write side is ready", cancellationToken);
        return host;
    }

    public Task<HttpResponseMessage> PostAsync(Command command, CancellationToken cancellationToken, Action<HttpRequestHeaders>? headers = null) =>
        PostAsync(JsonSerializer.Serialize(command, CommandJson.Default.Command), cancellationToken, headers);

    public async Task<HttpResponseMessage> PostAsync(string json, CancellationToken cancellationToken, Action<HttpRequestHeaders>? headers = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/commands") { Content = new StringContent(json, Encoding.UTF8, "application/json") };
        headers?.Invoke(request.Headers);
        return await Http.SendAsync(request, cancellationToken);
    }

    /// <summary>Posts a command and expects it to be done.</summary>
    public async Task<CommandResult> DoAsync(Command command, CancellationToken cancellationToken)
    {
        using var response = await PostAsync(command, cancellationToken);
        var body = await response.Content.ReadAsStringAsync(cancellationToken);
        Assert.True(response.StatusCode is HttpStatusCode.OK or HttpStatusCode.Created, $"{response.StatusCode}: {body}");
        return JsonSerializer.Deserialize(body, CommandJson.Default.CommandResult)!;
    }

    public static async Task<BatchLineResult[]> PostLinesAsync(HttpClient client, string path, IEnumerable<string> lines, CancellationToken cancellationToken)
    {
        using var content = new StringContent(string.Join('\n', lines), Encoding.UTF8);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        using var response = await client.PostAsync(path, content, cancellationToken);
        var body = await response.Content.ReadAsStringAsync(cancellationToken);
        Assert.True(response.IsSuccessStatusCode, $"{response.StatusCode}: {body}");
        return [.. body.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize(line, CommandJson.Default.BatchLineResult)!)];
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        Administration.Dispose();
        await app.StopAsync();
        await app.DisposeAsync();
    }
}
