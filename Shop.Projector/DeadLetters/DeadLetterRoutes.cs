using Shop.Contracts.Administration;

namespace Shop.Projector.DeadLetters;

/// <summary>
/// Administration of dead letters: <c>GET /dead-letters</c>, <c>GET /dead-letters/{sequence}</c>, <c>POST /dead-letters/replay</c> and
/// <c>POST /dead-letters/purge</c>, each with <c>reason</c>, <c>type</c>, <c>subject</c> and the latter with <c>sequence</c> in the query.
/// </summary>
internal static class DeadLetterRoutes
{
    public static void MapDeadLetters(this IEndpointRouteBuilder administration)
    {
        administration.MapGet("/dead-letters", (string? reason, string? type, string? subject, int? limit, DeadLetterQueue queue, CancellationToken cancellationToken) =>
            AnswerAsync(async () => TypedResults.Ok(
                await queue.ListAsync(new(reason, type, subject, Sequence: null), Math.Clamp(limit ?? DeadLetterQueue.MostListed, 1, DeadLetterQueue.MostListed), cancellationToken))));
        administration.MapGet("/dead-letters/{sequence:long}", (long sequence, DeadLetterQueue queue, CancellationToken cancellationToken) =>
            AnswerAsync(async () => await queue.FindAsync(sequence, cancellationToken) is { } found
                ? TypedResults.Ok(found)
                : TypedResults.Problem($"There is no dead letter with the number {sequence}.", statusCode: StatusCodes.Status404NotFound)));
        administration.MapPost("/dead-letters/replay", (string? reason, string? type, string? subject, long? sequence, DeadLetterQueue queue, DeadLetterWatch watch, CancellationToken cancellationToken) =>
            AnswerAsync(async () => TypedResults.Ok(await ThenLookAsync(queue.ReplayAsync(new(reason, type, subject, sequence), cancellationToken), watch))));
        administration.MapPost("/dead-letters/purge", (string? reason, string? type, string? subject, long? sequence, DeadLetterQueue queue, DeadLetterWatch watch, CancellationToken cancellationToken) =>
            AnswerAsync(async () => TypedResults.Ok(await ThenLookAsync(queue.PurgeAsync(new(reason, type, subject, sequence), cancellationToken), watch))));
    }

    private static async Task<DeadLetterOutcome> ThenLookAsync(Task<DeadLetterOutcome> action, DeadLetterWatch watch)
    {
        var outcome = await action;
        watch.LookSoon();
        return outcome;
    }

    private static async Task<IResult> AnswerAsync(Func<Task<IResult>> answerAsync)
    {
        try
        {
            return await answerAsync();
        }
        catch (IOException exception)
        {
            return TypedResults.Problem(exception.Message, statusCode: StatusCodes.Status503ServiceUnavailable);
        }
        catch (NotSupportedException exception)
        {
            return TypedResults.Problem(exception.Message, statusCode: StatusCodes.Status501NotImplemented);
        }
    }
}
