using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Shop.Commands.Deciding;
using Shop.Commands.Intake;
using Shop.Contracts.Commands;
using Shop.ServiceDefaults.Resilience;

namespace Shop.Commands.Http;

/// <summary><c>POST /commands</c>: one command, answered after its commit.</summary>
internal static class PostCommand
{
    /// <summary>The largest body in bytes; an order of 1,000 lines has about 200 KB.</summary>
    public const int MaxBodyBytes = 1024 * 1024;

    public static void MapPostCommand(this IEndpointRouteBuilder routes)
    {
        // Taken once: asking for them in every request would make a scope for each.
        var writers = routes.ServiceProvider.GetRequiredService<CommandWriters>();
        var time = routes.ServiceProvider.GetRequiredService<TimeProvider>();
        routes.MapPost("/commands", (HttpContext context, CancellationToken cancellationToken) => HandleAsync(context, writers, time, cancellationToken))
            .Accepts<Command>("application/json")
            .Produces<CommandResult>()
            .Produces<CommandResult>(StatusCodes.Status201Created)
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status412PreconditionFailed)
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .WithName("PostCommand")
            .WithSummary("Send one command; it is answered after its commit.");
    }

    private static async Task<IResult> HandleAsync(HttpContext context, CommandWriters writers, TimeProvider time, CancellationToken cancellationToken)
    {
        if (context.Request.ContentLength > MaxBodyBytes) return Problems.TooLarge(MaxBodyBytes);
        var (command, errors) = await ReadAsync(context, cancellationToken);
        if (command is null) return errors is null ? Problems.TooLarge(MaxBodyBytes) : Problems.Malformed(errors);

        var headerErrors = new FieldErrors();
        var ifMatch = ReadIfMatch(context.Request, headerErrors);
        command = ReadIdempotencyKey(context.Request, command, headerErrors);
        if (headerErrors.Any) return Problems.Malformed(headerErrors);

        try
        {
            var submission = new Submission(command, ifMatch, trusted: false, Activity.Current?.Id);
            return Answer(context, await writers.SubmitAsync(submission).WaitAsync(Pipelines.CommandBudget, time, cancellationToken));
        }
        catch (TimeoutException)
        {
            return Answer(context, new Outcome.Unavailable("The write side has not decided in time.", MayHaveHappened: true));
        }
    }

    private static async Task<(Command?, FieldErrors?)> ReadAsync(HttpContext context, CancellationToken cancellationToken)
    {
        var reader = context.Request.BodyReader;
        while (true)
        {
            var result = await reader.ReadAsync(cancellationToken);
            if (result.Buffer.Length > MaxBodyBytes) return (null, null);
            if (result.IsCompleted)
            {
                var read = CommandReader.Read(result.Buffer.IsSingleSegment ? result.Buffer.First : result.Buffer.ToArray());
                reader.AdvanceTo(result.Buffer.End);
                return read;
            }

            reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    private static int? ReadIfMatch(HttpRequest request, FieldErrors errors)
    {
        var value = request.Headers.IfMatch.ToString();
        if (value.Length == 0) return null;
        if (value.Length > 2 && value[0] == '"' && value[^1] == '"'
            && int.TryParse(value.AsSpan(1, value.Length - 2), NumberStyles.None, CultureInfo.InvariantCulture, out var version)) return version;
        errors.Add("If-Match", "must be one version in quotes, like \"3\"");
        return null;
    }

    private static Command ReadIdempotencyKey(HttpRequest request, Command command, FieldErrors errors)
    {
        var key = request.Headers["Idempotency-Key"].ToString();
        if (key.Length == 0) return command;
        if (!Identifiers.IsValid(key)) errors.Add("Idempotency-Key", "must be 1-64 characters of A-Z a-z 0-9 . _ : -");
        else if (command.CommandId is { } commandId && commandId != key) errors.Add("Idempotency-Key", "is not the body's commandId");
        return command with { CommandId = key };
    }

    private static IResult Answer(HttpContext context, Outcome outcome)
    {
        switch (outcome)
        {
            case Outcome.Done done:
                return new DoneResult(done);
            case Outcome.Refused refused:
                return Problems.Refused(refused.Refusal);
            case Outcome.Unavailable unavailable:
                context.Response.Headers.RetryAfter = "1";
                return Problems.Unavailable(unavailable);
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>The answer of almost every request, written without the detours of the general results.</summary>
    private sealed class DoneResult(Outcome.Done done) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            var response = httpContext.Response;
            response.StatusCode = done.Created ? StatusCodes.Status201Created : StatusCodes.Status200OK;
            if (done.Created) response.Headers.Location = Location(done.Target);
            response.Headers.ETag = $"\"{done.Version}\"";
            if (done.Replayed) response.Headers["Idempotent-Replayed"] = "true";
            var body = JsonSerializer.SerializeToUtf8Bytes(new CommandResult(done.Target.Id, done.Version), CommandJson.Default.CommandResult);
            response.ContentType = "application/json; charset=utf-8";
            response.ContentLength = body.Length;
            await response.BodyWriter.WriteAsync(body, httpContext.RequestAborted);
        }
    }

    /// <summary>Where the queries answer it.</summary>
    private static string Location(AggregateId target) => target.Kind switch
    {
        AggregateKind.Customer => $"/customers/{target.Id}",
        AggregateKind.Product => $"/products/{target.Id}",
        _ => $"/orders/{target.Id}",
    };
}
