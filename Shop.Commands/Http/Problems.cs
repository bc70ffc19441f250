using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Shop.Commands.Deciding;
using Shop.Commands.Intake;
using Shop.Contracts.Commands;
using Shop.ServiceDefaults.Http;

namespace Shop.Commands.Http;

/// <summary>RFC 9457 problem details. Every <c>type</c> is stable and listed in docs/errors.md.</summary>
internal static class Problems
{
    public static ProblemHttpResult Malformed(FieldErrors errors) => TypedResults.Problem(new ProblemDetails
    {
        Type = ProblemTypes.Of("malformed"),
        Title = "The command is malformed",
        Status = StatusCodes.Status400BadRequest,
        Extensions = { ["errors"] = errors.ToDictionary() },
    });

    public static ProblemHttpResult TooLarge(int limit) => TypedResults.Problem(new ProblemDetails
    {
        Type = ProblemTypes.Of("too-large"),
        Title = "The body is too large",
        Status = StatusCodes.Status413PayloadTooLarge,
        Detail = $"A command has at most {limit} bytes.",
    });

    public static ProblemHttpResult Refused(Refusal refusal)
    {
        var problem = new ProblemDetails { Type = ProblemTypes.Of(refusal.Rule), Title = refusal.Title, Status = refusal.Status, Detail = refusal.Detail };
        foreach (var (name, value) in refusal.Facts ?? new Dictionary<string, object>()) problem.Extensions[name] = value;
        return TypedResults.Problem(problem);
    }

    public static ProblemHttpResult Unavailable(Outcome.Unavailable outcome) => TypedResults.Problem(new ProblemDetails
    {
        Type = ProblemTypes.Of("unavailable"),
        Title = "The write side cannot take the command now",
        Status = StatusCodes.Status503ServiceUnavailable,
        Detail = outcome.Reason + (outcome.MayHaveHappened ? DoubtHint : ""),
    });

    /// <summary>The same answers inside a batch.</summary>
    public static BatchLineResult InBatch(long line, Outcome outcome) => outcome switch
    {
        Outcome.Done done => new(line, done.Created ? StatusCodes.Status201Created : StatusCodes.Status200OK, done.Target.Id, done.Version, done.Replayed),
        Outcome.Refused { Refusal: var refusal } => new(line, refusal.Status,
            Problem: new(ProblemTypes.Of(refusal.Rule), refusal.Title, refusal.Status, refusal.Detail)),
        Outcome.Unavailable unavailable => new(line, StatusCodes.Status503ServiceUnavailable,
            Problem: new(ProblemTypes.Of("unavailable"), "The write side cannot take the command now", StatusCodes.Status503ServiceUnavailable,
                unavailable.Reason + (unavailable.MayHaveHappened ? DoubtHint : ""))),
        _ => throw new NotSupportedException(outcome.GetType().Name),
    };

    public static BatchLineResult InBatch(long line, FieldErrors errors) => new(line, StatusCodes.Status400BadRequest,
        Problem: new(ProblemTypes.Of("malformed"), "The command is malformed", StatusCodes.Status400BadRequest, Errors: errors.ToDictionary()));

    private const string DoubtHint = " It may have been done: send it again with the same content to find out.";
}
