using System.Net;
using System.Net.Http.Json;
using Shop.Contracts.Commands;
using Shop.Local.Supervision;

namespace Shop.Tests.Observability;

/// <summary>A whole shop, each part a process of its own, that sends everything it observes to a receiver of ours.</summary>
public sealed class ObservedShop : IAsyncLifetime
{
    private OtlpReceiver receiver = null!;

    public LocalShop Shop { get; private set; } = null!;

    public HttpClient Commands { get; private set; } = null!;

    public HttpClient Queries { get; private set; } = null!;

    internal OtlpReceiver Receiver => receiver;

    public async ValueTask InitializeAsync()
    {
        receiver = await OtlpReceiver.StartAsync(CancellationToken.None);
        Shop = await LocalShop.StartAsync(new LocalShopOptions
        {
            Ephemeral = true,
            PortBase = 0,
            Fsync = false,
            Environment = new Dictionary<string, string>
            {
                ["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.Url,
                ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
                ["OTEL_METRIC_EXPORT_INTERVAL"] = "500",
                ["OTEL_BSP_SCHEDULE_DELAY"] = "200",
                ["OTEL_BLRP_SCHEDULE_DELAY"] = "200",
                // One line per request, so that there is a log to find in the trace.
                ["Logging__LogLevel__Microsoft.AspNetCore.Hosting.Diagnostics"] = "Information",
            },
        }, TestContext.Current.CancellationToken);
        Commands = new HttpClient { BaseAddress = new Uri(Shop.CommandsUrl) };
        Queries = new HttpClient { BaseAddress = new Uri(Shop.QueriesUrl) };
    }

    /// <summary>Sends a command until it is acknowledged, as a client with retries would.</summary>
    public Task PlaceAsync(Command command, CancellationToken cancellationToken, string? traceParent = null) => Eventually.TrueAsync(async () =>
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/commands") { Content = JsonContent.Create(command, CommandJson.Default.Command) };
            if (traceParent is not null) request.Headers.Add("traceparent", traceParent);
            using var response = await Commands.SendAsync(request, cancellationToken);
            if (response.StatusCode is HttpStatusCode.ServiceUnavailable) return false;
            Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(cancellationToken));
            return true;
        }
        catch (HttpRequestException)
        {
            // The write side is being stopped or started; the retry carries the same content and has one effect.
            return false;
        }
    }, $"{command} is acknowledged", cancellationToken, TimeSpan.FromSeconds(60));

    public async ValueTask DisposeAsync()
    {
        Commands?.Dispose();
        Queries?.Dispose();
        if (Shop is not null) await Shop.DisposeAsync();
        await receiver.DisposeAsync();
    }
}

[CollectionDefinition(Name)]
public sealed class ObservedShopDefinition : ICollectionFixture<ObservedShop>
{
    public const string Name = "observed shop";
}
