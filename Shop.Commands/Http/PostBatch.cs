using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Mvc;
using Shop.Commands.Deciding;
using Shop.Commands.Intake;
using Shop.Contracts.Commands;

namespace Shop.Commands.Http;

/// <summary>
/// <c>POST /commands/batch</c> and the administration's <c>POST /import</c>: NDJSON of any length in, one NDJSON result line per command out, in
/// order, both streamed. A command waits for earlier ones of the same request that target an id it names.
/// </summary>
internal static class PostBatch
{
    private const string NdJson = "application/x-ndjson";

    /// <summary>Commands of one request on their way, at most.</summary>
    private const int Window = 2_048;

    public static void MapPostBatch(this IEndpointRouteBuilder routes) => Map(routes, "/commands/batch", trusted: false, "PostBatch");

    public static void MapImport(this IEndpointRouteBuilder administration) => Map(administration, "/import", trusted: true, "Import");

    private static void Map(IEndpointRouteBuilder routes, string path, bool trusted, string name) =>
        routes.MapPost(path, (HttpContext context, CommandWriters writers, CancellationToken cancellationToken) =>
                HandleAsync(context, writers, trusted, cancellationToken))
            .WithMetadata(new DisableRequestSizeLimitAttribute())
            .Accepts<Command>(NdJson)
            .Produces<BatchLineResult>(contentType: NdJson)
            .WithName(name)
            .WithSummary("Send commands as NDJSON, one per line; each is answered by a line, in order.");

    private static async Task<IResult> HandleAsync(HttpContext context, CommandWriters writers, bool trusted, CancellationToken cancellationToken)
    {
        context.Response.ContentType = NdJson;
        var answers = Channel.CreateBounded<(long Line, Task<Outcome>? Outcome, FieldErrors? Errors)>(
            new BoundedChannelOptions(Window) { SingleReader = true, SingleWriter = true });
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var writing = WriteAsync(context.Response.BodyWriter, answers.Reader, failed);
        try
        {
            await ReadAsync(context.Request.BodyReader, writers, trusted, answers.Writer, failed.Token);
        }
        finally
        {
            // Also when the body is broken off or malformed: what was taken is answered, and nobody else writes the response meanwhile.
            answers.Writer.Complete();
            await writing;
        }

        return TypedResults.Empty;
    }

    private static async Task ReadAsync(
        PipeReader body, CommandWriters writers, bool trusted,
        ChannelWriter<(long, Task<Outcome>?, FieldErrors?)> answers, CancellationToken cancellationToken)
    {
        var pending = new Dictionary<AggregateId, Task<Outcome>>();
        var line = 0L;
        await foreach (var (json, tooLong) in NdJsonLines.ReadAsync(body, PostCommand.MaxBodyBytes, cancellationToken))
        {
            line++;
            if (json.IsEmpty && !tooLong) continue;
            var (command, errors) = tooLong ? (null, TooLong()) : CommandReader.Read(json);
            if (command is null)
            {
                await answers.WriteAsync((line, null, errors), cancellationToken);
                continue;
            }

            foreach (var reference in AggregateId.ReferencesOf(command))
            {
                if (pending.TryGetValue(reference, out var earlier)) await earlier.WaitAsync(cancellationToken);
            }

            var submission = new Submission(command, ifMatch: null, trusted, Activity.Current?.Id);
            await writers.EnqueueAsync(submission, cancellationToken);
            pending[submission.Target] = submission.Outcome;
            await answers.WriteAsync((line, submission.Outcome, null), cancellationToken);
            if (pending.Count > Window) Forget(pending);
        }
    }

    // Commands on one target share a shard and its queue, so only unfinished ones can still be waited for.
    private static void Forget(Dictionary<AggregateId, Task<Outcome>> pending)
    {
        foreach (var (target, outcome) in pending)
        {
            if (outcome.IsCompleted) pending.Remove(target);
        }
    }

    private static async Task WriteAsync(
        PipeWriter body, ChannelReader<(long Line, Task<Outcome>? Outcome, FieldErrors? Errors)> answers, CancellationTokenSource failed)
    {
        try
        {
            using var json = new Utf8JsonWriter(body);
            while (await answers.WaitToReadAsync(failed.Token))
            {
                while (answers.TryRead(out var answer))
                {
                    // What is ready goes out before this waits for a command that is not.
                    if (answer.Outcome is { IsCompleted: false }) await body.FlushAsync(failed.Token);
                    var result = answer.Outcome is { } outcome
                        ? Problems.InBatch(answer.Line, await outcome.WaitAsync(failed.Token))
                        : Problems.InBatch(answer.Line, answer.Errors!);
                    JsonSerializer.Serialize(json, result, CommandJson.Default.BatchLineResult);
                    json.Flush();
                    json.Reset();
                    body.Write("\n"u8);
                    if (body.UnflushedBytes > 16 * 1024) await body.FlushAsync(failed.Token);
                }

                await body.FlushAsync(failed.Token);
            }
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // Without its reader the request must not go on reading.
            await failed.CancelAsync();
            throw;
        }
    }

    private static FieldErrors TooLong()
    {
        var errors = new FieldErrors();
        errors.Add("$", $"must be at most {PostCommand.MaxBodyBytes} bytes long");
        return errors;
    }
}
