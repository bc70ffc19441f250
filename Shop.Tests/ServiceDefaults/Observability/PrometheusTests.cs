using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Shop.ServiceDefaults;
using Shop.ServiceDefaults.Observability;
using Shop.ServiceDefaults.Resilience;
using Shop.Tests.Architecture;

namespace Shop.Tests.ServiceDefaults.Observability;

/// <summary>Service defaults alone, with one value for every metric of ours, scraped as Prometheus does.</summary>
public sealed partial class PrometheusTests(PrometheusTests.ScrapedService scraped) : IClassFixture<PrometheusTests.ScrapedService>
{
    private const string Key = "a-key-for-tests-only";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public sealed class ScrapedService : IAsyncLifetime
    {
        private readonly WebApplication app;

        public ScrapedService()
        {
            var builder = WebApplication.CreateBuilder(
                ["--urls=http://127.0.0.1:0", "--Shop:AdminUrl=http://127.0.0.1:0", $"--Shop:AdminKey={Key}", "--Shop:Metrics=prometheus"]);
            builder.Logging.ClearProviders();
            builder.AddServiceDefaults();
            app = builder.Build();
            app.MapDefaultEndpoints();
        }

        public HttpClient Public { get; } = new();

        public HttpClient Administration { get; } = new();

        /// <summary>The text of one scrape.</summary>
        public string Text { get; private set; } = "";

        public async ValueTask InitializeAsync()
        {
            await app.StartAsync(Cancellation);
            var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ToArray();
            (Public.BaseAddress, Administration.BaseAddress) = (new Uri(addresses[0]), new Uri(addresses[^1]));
            var meters = app.Services.GetRequiredService<IMeterFactory>();
            foreach (var metric in ShopMetrics.All) RecordOne(meters.Create(metric.Meter), metric);
            var attempts = 0;
            await Pipelines.Forever("projection", TimeProvider.System, exception => exception is IOException, (_, _) => { })
                .ExecuteAsync(_ => ++attempts == 1 ? throw new IOException() : default(ValueTask), Cancellation);
            (await Public.GetAsync("/alive", Cancellation)).EnsureSuccessStatusCode().Dispose();
            await Eventually.TrueAsync(async () =>
            {
                using var scrape = await ScrapeAsync(Administration, request => request.Authorization = new("Bearer", Key));
                Text = await scrape.EnsureSuccessStatusCode().Content.ReadAsStringAsync(Cancellation);
                // A request is counted after its answer has gone out.
                return Text.Contains("# TYPE http_server_request_duration_seconds histogram", StringComparison.Ordinal);
            }, "the request is counted", Cancellation);
        }

        public static async Task<HttpResponseMessage> ScrapeAsync(HttpClient client, Action<HttpRequestHeaders>? headers = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
            headers?.Invoke(request.Headers);
            return await client.SendAsync(request, Cancellation);
        }

        public async ValueTask DisposeAsync()
        {
            Public.Dispose();
            Administration.Dispose();
            await app.DisposeAsync();
        }

        private static void RecordOne(Meter meter, MetricDefinition metric)
        {
            switch (metric.Kind)
            {
                case MetricKind.Counter: meter.CreateCounter(metric).Add(1); break;
                case MetricKind.Histogram: meter.CreateHistogram<double>(metric).Record(1); break;
                default: meter.ObserveGauge<long>(metric, () => [new(1)]); break;
            }
        }
    }

    [Fact]
    public async Task Metrics_are_on_the_administration_port_only_and_want_its_key()
    {
        using var onPublicPort = await ScrapedService.ScrapeAsync(scraped.Public, request => request.Add("X-Admin-Key", Key));
        Assert.Equal(HttpStatusCode.NotFound, onPublicPort.StatusCode);
        using var withoutKey = await ScrapedService.ScrapeAsync(scraped.Administration);
        Assert.Equal(HttpStatusCode.Unauthorized, withoutKey.StatusCode);
        using var withWrongKey = await ScrapedService.ScrapeAsync(scraped.Administration, request => request.Authorization = new("Bearer", "another-key-entirely"));
        Assert.Equal(HttpStatusCode.Unauthorized, withWrongKey.StatusCode);
        using var withKey = await ScrapedService.ScrapeAsync(scraped.Administration, request => request.Add("X-Admin-Key", Key));
        Assert.Equal((HttpStatusCode.OK, "text/plain"), (withKey.StatusCode, withKey.Content.Headers.ContentType?.MediaType));
    }

    [Theory]
    [InlineData("--Shop:Metrics=prometheus")]
    [InlineData("--Shop:Metrics=graphite", "--Shop:AdminUrl=http://127.0.0.1:0", "--Shop:AdminKey=a-key-for-tests-only")]
    public void A_setting_that_cannot_be_followed_stops_the_start(params string[] settings) =>
        Assert.Throws<InvalidOperationException>(() => WebApplication.CreateBuilder(settings).AddServiceDefaults());

    [Fact]
    public void Dashboard_and_alerts_use_only_names_that_a_scrape_has_and_the_dashboard_shows_every_metric_of_ours()
    {
        var scrapedNames = TypeLine().Matches(scraped.Text).SelectMany(match => match.Groups[2].Value == "histogram"
            ? [$"{match.Groups[1].Value}_bucket", $"{match.Groups[1].Value}_sum", $"{match.Groups[1].Value}_count"]
            : new[] { match.Groups[1].Value }).ToHashSet(StringComparer.Ordinal);
        var dashboard = Repository.Read("deploy/observability/dashboard.json");
        var alerts = Repository.Read("deploy/observability/alerts.yaml");
        using var json = JsonDocument.Parse(dashboard);
        Assert.NotEmpty(json.RootElement.GetProperty("panels").EnumerateArray());

        var (onDashboard, inAlerts) = (Names(dashboard), Names(alerts));
        Assert.True(inAlerts.Count > 5);
        Assert.Equal([], onDashboard.Union(inAlerts).Except(scrapedNames));
        var ours = scrapedNames.Where(name => name.StartsWith("shop_", StringComparison.Ordinal) || name.StartsWith("messaging_client_", StringComparison.Ordinal)).Select(Family).ToHashSet(StringComparer.Ordinal);
        Assert.Equal(ShopMetrics.All.Count, ours.Count);
        Assert.Equal([], ours.Except(onDashboard.Select(Family)));
    }

    [Fact]
    public void Operations_lists_every_metric_with_its_unit_and_every_alert()
    {
        var operations = Repository.Read("docs/operations.md");
        Assert.All(ShopMetrics.All, metric => Assert.Contains($"| `{metric.Name}` | `{metric.Unit}` |", operations, StringComparison.Ordinal));
        var alerts = AlertName().Matches(Repository.Read("deploy/observability/alerts.yaml")).Select(match => match.Groups[1].Value).ToList();
        Assert.True(alerts.Count > 5);
        Assert.All(alerts, alert => Assert.Contains($"`{alert}`", operations, StringComparison.Ordinal));
    }

    private static string Family(string name) => Suffix().Replace(name, "");

    private static HashSet<string> Names(string text) => [.. MetricName().Matches(text).Select(match => match.Value)];

    [GeneratedRegex(@"^# TYPE (\S+) (\w+)", RegexOptions.Multiline)]
    private static partial Regex TypeLine();

    // A label such as shop_outcome is no metric: it stands before an operator or in a "by (...)" and has no second underscore.
    [GeneratedRegex(@"\b(?:shop_[a-z]+_|messaging_client_|http_server_request_|resilience_polly_|dotnet_|process_)[a-z_]+\b")]
    private static partial Regex MetricName();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex Suffix();

    [GeneratedRegex(@"- alert: (\w+)")]
    private static partial Regex AlertName();
}
