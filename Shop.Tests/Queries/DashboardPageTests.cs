using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Shop.Contracts.Views;
using Shop.Queries.Pipeline;
using Shop.Tests.Architecture;
using Shop.Tests.Projector;

namespace Shop.Tests.Queries;

/// <summary>What the page is made of and may do, the one door to the write side, and the report of the pipeline; the page itself is tested in a browser.</summary>
public sealed partial class DashboardPageTests(ReadStore store) : IClassFixture<ReadStore>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_page_may_load_only_its_own_files_and_browsers_keep_them_until_they_change()
    {
        await using var queries = await ServiceHost.StartQueriesAsync(store.NewConnectionString(), Cancellation);
        using var page = await queries.Http.GetAsync("/", Cancellation);
        var html = await page.Content.ReadAsStringAsync(Cancellation);
        Assert.StartsWith("default-src 'none'; script-src 'self'; style-src 'self';", page.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", page.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.Equal("nosniff", page.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Equal("no-cache", page.Headers.CacheControl!.ToString());

        var files = File().Matches(html).Select(match => match.Value).Distinct().ToArray();
        var inTheRepository = Directory.GetFiles(Path.Combine(Repository.Root, "Shop.Queries/Dashboard/Page")).Select(Path.GetFileName);
        Assert.Equal(inTheRepository.Where(name => name != "index.html").Order(StringComparer.Ordinal), files.Select(Path.GetFileName).Order(StringComparer.Ordinal));
        foreach (var file in files)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, file) { Headers = { AcceptEncoding = { new StringWithQualityHeaderValue("br") } } };
            using var answer = await queries.Http.SendAsync(request, Cancellation);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Contains("immutable", answer.Headers.CacheControl!.ToString(), StringComparison.Ordinal);
            if (!file.EndsWith(".svg", StringComparison.Ordinal)) Assert.Equal(["br"], answer.Content.Headers.ContentEncoding.AsEnumerable());
        }

        using var again = new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { IfNoneMatch = { page.Headers.ETag! } } };
        using var unchanged = await queries.Http.SendAsync(again, Cancellation);
        Assert.Equal(HttpStatusCode.NotModified, unchanged.StatusCode);
        using var unknown = await queries.Http.GetAsync("/page/1/nothing.js", Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
    }

    [Fact]
    public void No_file_of_the_page_names_another_host_or_turns_text_into_markup()
    {
        foreach (var file in Directory.GetFiles(Path.Combine(Repository.Root, "Shop.Queries/Dashboard/Page")))
        {
            var text = System.IO.File.ReadAllText(file).Replace("http://www.w3.org/2000/svg", "", StringComparison.Ordinal);
            Assert.DoesNotMatch(@"https?://|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|style=""|\son\w+=""", text);
        }
    }

    [Fact]
    public async Task Exactly_post_commands_reaches_the_write_side_and_only_a_command_s_headers_with_it()
    {
        (string Body, string Key)? seen = null;
        await using var writeSide = await StartAsync(app => app.Map("{**path}", async (HttpRequest request) =>
        {
            seen = (await new StreamReader(request.Body).ReadToEndAsync(Cancellation), request.Headers["Idempotency-Key"].ToString());
            Assert.Equal("/commands", request.Path + request.QueryString);
            Assert.DoesNotContain(request.Headers.Keys, name => name is "Cookie" or "X-Admin-Key" or "X-Forwarded-For");
            return Results.Json(new { id = "O1", version = 1 }, statusCode: StatusCodes.Status201Created);
        }));
        await using var queries = await ServiceHost.StartQueriesAsync(store.NewConnectionString(), Cancellation, $"--services:commands:http:0={Address(writeSide)}");
        using var command = new HttpRequestMessage(HttpMethod.Post, "/commands?x=1") { Content = new StringContent("{}", Encoding.UTF8, "application/json") };
        command.Headers.Add("Cookie", "a=b");
        command.Headers.Add("X-Admin-Key", "guessed");
        command.Headers.Add("Idempotency-Key", "K1");
        using var done = await queries.Http.SendAsync(command, Cancellation);
        Assert.Equal(HttpStatusCode.Created, done.StatusCode);
        Assert.Equal(("{}", "K1"), seen);

        seen = null;
        foreach (var (method, path) in new[] { ("GET", "/commands"), ("PUT", "/commands"), ("POST", "/commands/batch"), ("POST", "/import"), ("GET", "/backlog"), ("POST", "/commands/../import") })
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = method == "GET" ? null : new StringContent("{}") };
            using var answer = await queries.Http.SendAsync(request, Cancellation);
            Assert.Contains(answer.StatusCode, new[] { HttpStatusCode.NotFound, HttpStatusCode.MethodNotAllowed });
        }

        using var large = new StringContent(new string(' ', 1024 * 1024 + 1), Encoding.UTF8, "application/json");
        using var refused = await queries.Http.PostAsync("/commands", large, Cancellation);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.StatusCode);
        Assert.Null(seen);
    }

    [Fact]
    public async Task A_write_side_that_is_away_is_a_503_problem_that_says_whether_the_command_may_have_been_done()
    {
        await using var hangsUp = await StartAsync(app => app.Map("{**path}", (HttpContext context) => context.Abort()));
        await using var doubtful = await ServiceHost.StartQueriesAsync(store.NewConnectionString(), Cancellation, $"--services:commands:http:0={Address(hangsUp)}");
        Assert.Contains("It may have been done", await AwayAsync(doubtful), StringComparison.Ordinal);
        // Port 9 (discard) is nobody's here: the connection is refused.
        await using var certain = await ServiceHost.StartQueriesAsync(store.NewConnectionString(), Cancellation, "--services:commands:http:0=http://127.0.0.1:9");
        Assert.Equal("The write side does not answer.", await AwayAsync(certain));
    }

    [Fact]
    public async Task The_pipeline_is_read_once_for_everybody_who_looks_and_says_who_is_away()
    {
        var asked = 0;
        await using var writeSide = await StartAsync(app => app.MapGet("/backlog", () =>
        {
            Interlocked.Increment(ref asked);
            return Results.Json(new BacklogReport(7, 0.5, 0), PipelineJson.Default.BacklogReport);
        }));
        await using var queries = await ServiceHost.StartQueriesAsync(
            store.NewConnectionString(), Cancellation, $"--services:commands:http:0={Address(writeSide)}", "--services:projector:http:0=http://127.0.0.1:9");
        Assert.Equal(0, queries.Services.GetRequiredService<PipelineWatch>().Readings);
        var reports = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => queries.GetJsonAsync("/pipeline", Cancellation)));
        Assert.InRange(Volatile.Read(ref asked), 1, queries.Services.GetRequiredService<PipelineWatch>().Readings + 1);
        var report = reports[0].Deserialize(PipelineJson.Default.PipelineReport)!;
        Assert.Equal(PipelineStatus.Unhealthy, report.Status);
        Assert.Equal(7, report.Backlog!.Depth);
        Assert.Null(report.Lag);
        // The write side has no /health here, which is no answer of that form.
        Assert.Equal([("commands", PipelineStatus.Away), ("projector", PipelineStatus.Away), ("queries", PipelineStatus.Healthy)], report.Services.Select(service => (service.Name, service.Status)));
        var later = await queries.GetJsonAsync($"/pipeline?after={report.Samples[^1].At}", Cancellation);
        Assert.All(later.GetProperty("samples").EnumerateArray(), sample => Assert.True(sample.GetProperty("at").GetInt64() > report.Samples[^1].At));
        using var refused = await queries.Http.GetAsync("/pipeline?after=yesterday", Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
    }

    [Theory]
    [InlineData(PipelineStatus.Healthy, 0, 0.1, 0, 0.1, PipelineStatus.Healthy)]
    [InlineData(PipelineStatus.Degraded, 0, 0.1, 0, 0.1, PipelineStatus.Degraded)]
    [InlineData(PipelineStatus.Unhealthy, 0, 0.1, 0, 0.1, PipelineStatus.Unhealthy)]
    [InlineData(PipelineStatus.Away, 0, 0.1, 0, 0.1, PipelineStatus.Unhealthy)]
    [InlineData(PipelineStatus.Healthy, 1, 0.1, 0, 0.1, PipelineStatus.Degraded)]
    [InlineData(PipelineStatus.Healthy, 0, 10.1, 0, 0.1, PipelineStatus.Degraded)]
    [InlineData(PipelineStatus.Healthy, 0, 0.1, 1, 0.1, PipelineStatus.Degraded)]
    [InlineData(PipelineStatus.Healthy, 0, 0.1, 0, 10.1, PipelineStatus.Degraded)]
    public void It_is_red_when_a_service_cannot_work_and_amber_when_something_waits(string service, long parked, double oldest, int dead, double lag, string expected) =>
        Assert.Equal(expected, PipelineProbe.Judge([new("commands", service, [])], new(3, oldest, parked), new(lag, null, null, 1, dead)));

    private static async Task<string> AwayAsync(ServiceHost queries)
    {
        using var command = new StringContent("{}", Encoding.UTF8, "application/json");
        using var answer = await queries.Http.PostAsync("/commands", command, Cancellation);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter);
        var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancellation)).RootElement;
        Assert.Equal("urn:shop:problem:unavailable", problem.GetProperty("type").GetString());
        return problem.GetProperty("detail").GetString()!;
    }

    private static async Task<WebApplication> StartAsync(Action<WebApplication> map)
    {
        var builder = WebApplication.CreateBuilder(["--urls=http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        var app = builder.Build();
        map(app);
        await app.StartAsync(Cancellation);
        return app;
    }

    private static string Address(WebApplication app) => app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    [GeneratedRegex(@"page/[0-9a-f]{12}/[\w.-]+")]
    private static partial Regex File();
}
