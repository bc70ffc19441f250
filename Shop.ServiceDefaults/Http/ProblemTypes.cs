using Microsoft.AspNetCore.Http;

namespace Shop.ServiceDefaults.Http;

/// <summary>The stable <c>type</c> of every problem: docs/errors.md lists them all. What the framework answers by itself gets one too.</summary>
public static class ProblemTypes
{
    private const string Prefix = "urn:shop:problem:";

    /// <param name="name">Lower case, words joined by hyphens.</param>
    public static string Of(string name) => Prefix + name;

    internal static void Customize(ProblemDetailsContext context)
    {
        if (context.ProblemDetails.Type?.StartsWith(Prefix, StringComparison.Ordinal) == true) return;
        context.ProblemDetails.Type = Of(context.ProblemDetails.Status switch
        {
            StatusCodes.Status400BadRequest => "malformed",
            StatusCodes.Status401Unauthorized => "unauthorized",
            StatusCodes.Status404NotFound => "not-found",
            StatusCodes.Status405MethodNotAllowed => "method-not-allowed",
            StatusCodes.Status409Conflict => "conflict",
            StatusCodes.Status413PayloadTooLarge => "too-large",
            StatusCodes.Status415UnsupportedMediaType => "unsupported-media-type",
            StatusCodes.Status501NotImplemented => "not-implemented",
            StatusCodes.Status503ServiceUnavailable => "unavailable",
            _ => "internal-error",
        });
    }
}
