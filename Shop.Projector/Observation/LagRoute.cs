using Microsoft.AspNetCore.Http.HttpResults;
using Shop.Contracts.Views;
using Shop.Projector.DeadLetters;
using Shop.ServiceDefaults.Http;

namespace Shop.Projector.Observation;

/// <summary><c>GET /lag?seconds=</c>: how far the read model is behind the write side, over the last minute or less.</summary>
internal static class LagRoute
{
    public static void MapLag(this IEndpointRouteBuilder routes) => routes.MapGet("/lag", Handle);

    private static Results<Ok<LagReport>, ValidationProblem> Handle(string? seconds, ProjectionStatus status, DeadLetterWatch deadLetters)
    {
        if (seconds is null) return TypedResults.Ok(status.Lag() with { DeadLetters = deadLetters.Waiting });
        if (int.TryParse(seconds, out var last) && last is >= 1 and <= LagWindow.Seconds) return TypedResults.Ok(status.Lag(last) with { DeadLetters = deadLetters.Waiting });
        var errors = new Dictionary<string, string[]> { ["seconds"] = [$"Give a whole number from 1 to {LagWindow.Seconds}."] };
        return TypedResults.ValidationProblem(errors, title: "The request is malformed", type: ProblemTypes.Of("malformed-query"));
    }
}
