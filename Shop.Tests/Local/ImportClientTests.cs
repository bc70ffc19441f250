using System.Globalization;
using System.IO.Pipes;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Shop.Local;
using Shop.Local.Import;

namespace Shop.Tests.Local;

/// <summary>A server that is away, or breaks off, at chosen moments; what it is asked is what the tests look at.</summary>
public sealed class ImportClientTests : IAsyncLifetime
{
    private readonly TemporaryDirectory directory = new();
    private readonly List<string[]> requests = [];
    private readonly Queue<Func<HttpContext, string[], Task>> faults = [];
    private readonly WebApplication server;

    public ImportClientTests()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        server = builder.Build();
        server.MapPost("/import", HandleAsync);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await server.StartAsync(Token);

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        directory.Dispose();
    }

    [Fact]
    public async Task It_goes_on_from_the_first_unanswered_line()
    {
        faults.Enqueue((context, lines) => AnswerAsync(context, lines[..3], _ => 200));
        var totals = await ImportAsync(lines: 5);
        Assert.Equal(5, totals.Accepted);
        Assert.Equal(requests[0][3..], requests[1]);
    }

    [Fact]
    public async Task After_a_broken_connection_every_line_has_one_answer()
    {
        faults.Enqueue(async (context, lines) =>
        {
            await AnswerAsync(context, lines[..3], _ => 200);
            await context.Response.Body.FlushAsync(Token);
            context.Abort();
        });
        var totals = await ImportAsync(lines: 5);
        Assert.Equal(5, totals.All);
        // How many of the answers a reset connection still delivers is the network's to say.
        Assert.InRange(requests[1].Length, 2, 5);
        Assert.Equal(requests[0][^requests[1].Length..], requests[1]);
    }

    [Fact]
    public async Task A_line_answered_503_comes_again_and_with_it_those_refused_after_it()
    {
        faults.Enqueue((context, lines) => AnswerAsync(context, lines, index => index switch { 1 => 503, 2 => 422, _ => 200 }));
        var totals = await ImportAsync(lines: 4);
        Assert.Equal((4, 0), (totals.Accepted, totals.Refused));
        Assert.Equal(requests[0][1..3], requests[1]);
    }

    [Fact]
    public async Task A_key_that_is_refused_ends_the_import_at_once()
    {
        faults.Enqueue((context, _) =>
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return Task.CompletedTask;
        });
        var refused = await Assert.ThrowsAsync<LocalRunException>(() => ImportAsync(lines: 1));
        Assert.Contains("/import answers 401", refused.Message, StringComparison.Ordinal);
        Assert.Single(requests);
    }

    [Fact]
    public async Task Ids_are_the_same_in_every_run_and_differ_by_line_and_content()
    {
        await ImportAsync(lines: 3);
        await ImportAsync(lines: 3);
        await ImportAsync(lines: 2);
        Assert.Equal(requests[0], requests[1]);
        Assert.Equal(3, requests[0].Distinct().Count());
        Assert.Empty(requests[0].Intersect(requests[2]));
        Assert.All(requests[0], line => Assert.Matches("\"commandId\":\"[A-Za-z0-9._:-]{1,64}\"}$", line));
    }

    [Fact]
    public async Task A_file_that_is_where_refused_lines_go_is_not_deleted_but_said()
    {
        var rejected = Path.Combine(directory.Path, "rejected.ndjson");
        await File.WriteAllTextAsync(rejected, "{\"type\":\"PayOrder\",\"orderId\":\"1\"}\n", Token);
        var refused = await Assert.ThrowsAsync<LocalRunException>(() => SendAsync(rejected, rejected));
        Assert.Contains("is where refused lines go", refused.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(rejected));

        // A directory stands for its other files.
        await File.WriteAllTextAsync(Path.Combine(directory.Path, "a.ndjson"), "{\"type\":\"PayOrder\",\"orderId\":\"2\"}\n", Token);
        Assert.Equal(1, (await SendAsync(directory.Path, rejected)).All);
        Assert.Contains("\"2\"", Assert.Single(Assert.Single(requests)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Half_a_surrogate_pair_is_refused_as_any_line_and_kept_as_it_stood()
    {
        faults.Enqueue((context, lines) => AnswerAsync(context, lines, _ => 400));
        var (file, rejected) = (Path.Combine(directory.Path, "half.ndjson"), Path.Combine(directory.Path, "rejected.ndjson"));
        const string half = """{"type":"PayOrder","orderId":"\ud800"}""", name = """{"c\ud800ommandId":"1"}""";
        await File.WriteAllLinesAsync(file, [half, name], Token);
        Assert.Equal(2, (await SendAsync(file, rejected)).Refused);
        var kept = (await File.ReadAllLinesAsync(rejected, Token)).Select(line => JsonNode.Parse(line)!["command"]!.GetValue<string>());
        Assert.Equal([half, name], kept);
    }

    [Fact]
    public async Task What_cannot_be_read_twice_or_written_is_said_before_anything_is_sent()
    {
        var file = Path.Combine(directory.Path, "a.ndjson");
        await File.WriteAllTextAsync(file, "{\"type\":\"PayOrder\",\"orderId\":\"2\"}\n", Token);
        var refused = await Assert.ThrowsAsync<LocalRunException>(() => SendAsync(file, directory.Path));
        Assert.Contains("cannot be the file of the refused lines", refused.Message, StringComparison.Ordinal);
        refused = await Assert.ThrowsAsync<LocalRunException>(() => SendAsync(file, Path.Combine(directory.Path, "missing", "rejected.ndjson")));
        Assert.Contains("cannot be the file of the refused lines", refused.Message, StringComparison.Ordinal);
        if (OperatingSystem.IsLinux())
        {
            using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
            var end = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{pipe.ClientSafePipeHandle.DangerousGetHandle()}");
            refused = await Assert.ThrowsAsync<LocalRunException>(() => SendAsync(end, Path.Combine(directory.Path, "rejected.ndjson")));
            Assert.Contains("can be read once only", refused.Message, StringComparison.Ordinal);
        }

        Assert.Empty(requests);
    }

    [Theory]
    [InlineData("""{"c\ud800ommandId":1}""", """{"c\ud800ommandId":1}""")]
    [InlineData("{}", "{\"commandId\":\"x:1\"}")]
    [InlineData("""{"type":"PayOrder"}""", """{"type":"PayOrder","commandId":"x:1"}""")]
    [InlineData("""{"type":"PayOrder","commandId":"mine"}""", """{"type":"PayOrder","commandId":"mine"}""")]
    [InlineData("{not json", "{not json")]
    [InlineData("[1]", "[1]")]
    public void A_line_gets_an_id_unless_it_has_one_or_is_no_object(string line, string sent) => Assert.Equal(sent, ImportFile.WithCommandId(line, "x:1"));

    private async Task<ImportTotals> ImportAsync(int lines)
    {
        var file = Path.Combine(directory.Path, string.Create(CultureInfo.InvariantCulture, $"{lines}.ndjson"));
        await File.WriteAllLinesAsync(file, Enumerable.Range(1, lines).Select(line => $$"""{"type":"PayOrder","orderId":"{{line}}"}"""), Token);
        return await SendAsync(file, Path.Combine(directory.Path, "rejected.ndjson"));
    }

    private async Task<ImportTotals> SendAsync(string path, string rejected)
    {
        using var client = new ImportClient(server.Urls.Single(), "key");
        return await client.SendAsync([path], rejected, (_, _) => { }, Token);
    }

    private async Task HandleAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var lines = (await reader.ReadToEndAsync(Token)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        requests.Add(lines);
        if (faults.TryDequeue(out var fault)) await fault(context, lines);
        else await AnswerAsync(context, lines, _ => 200);
    }

    private static async Task AnswerAsync(HttpContext context, string[] lines, Func<int, int> status)
    {
        for (var index = 0; index < lines.Length; index++)
            await context.Response.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"{{\"line\":{index + 1},\"status\":{status(index)}}}\n"), Token);
    }
}
