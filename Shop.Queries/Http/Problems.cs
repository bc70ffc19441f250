using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using MongoDB.Driver;
using Shop.ServiceDefaults.Http;

namespace Shop.Queries.Http;

/// <summary>Every refusal of this service, as RFC 9457 problem details with a stable <c>type</c>.</summary>
internal static class Problems
{
    public const string RetryAfterSeconds = "1";

    public static ProblemHttpResult NotFound(string kind, string id) =>
        TypedResults.Problem($"There is no {kind} '{id}' in the read model.", statusCode: StatusCodes.Status404NotFound, title: $"Unknown {kind}", type: ProblemTypes.Of($"unknown-{kind}"));

    public static ProblemHttpResult TooManyStreams(HttpContext context)
    {
        context.Response.Headers.RetryAfter = RetryAfterSeconds;
        return TypedResults.Problem("This instance serves as many live streams as it can.", statusCode: StatusCodes.Status503ServiceUnavailable,
            title: "Too many live streams", type: ProblemTypes.Of("too-many-streams"));
    }

    public static ProblemHttpResult CommandTooLarge(int limit) =>
        TypedResults.Problem($"A command has at most {limit} bytes.", statusCode: StatusCodes.Status413PayloadTooLarge, title: "The body is too large", type: ProblemTypes.Of("too-large"));

    /// <summary>The write side's own words for the same thing, so that a caller needs one rule for both.</summary>
    public static ProblemHttpResult WriteSideAway(HttpContext context, bool wasSent)
    {
        context.Response.Headers.RetryAfter = RetryAfterSeconds;
        var doubt = wasSent ? " It may have been done: send it again with the same content to find out." : "";
        return TypedResults.Problem($"The write side does not answer.{doubt}", statusCode: StatusCodes.Status503ServiceUnavailable,
            title: "The write side cannot take the command now", type: ProblemTypes.Of("unavailable"));
    }

    public static ValidationProblem Invalid(Dictionary<string, string[]> errors) =>
        TypedResults.ValidationProblem(errors, title: "The request is malformed", type: ProblemTypes.Of("malformed-query"));
}

/// <summary>A store that is away is the service's problem, not the caller's: 503, come again.</summary>
internal sealed class StoreOutage(IProblemDetailsService problems) : IExceptionHandler
{
    public static bool IsOutage(Exception exception) => exception is MongoException or TimeoutException;

    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (!IsOutage(exception)) return false;
        httpContext.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        httpContext.Response.Headers.RetryAfter = Problems.RetryAfterSeconds;
        return await problems.TryWriteAsync(new ProblemDetailsContext
        {
            HttpContext = httpContext,
            ProblemDetails = new ProblemDetails
            {
                Status = StatusCodes.Status503ServiceUnavailable,
                Type = ProblemTypes.Of("store-away"),
                Title = "The read model is not available",
                Detail = "The document store does not answer. Try again.",
            },
        });
    }
}
