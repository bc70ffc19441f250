using Microsoft.AspNetCore.Http;

namespace Shop.ServiceDefaults.Http;

/// <summary>Gives the problems that the framework answers by itself a stable type of ours, like every other problem.</summary>
internal static class ProblemTypes
{
    private const string Prefix = "urn:shop:problem:";

    public static void Customize(ProblemDetailsContext context)
    {
        if (context.ProblemDetails.Type?.StartsWith(Prefix, StringComparison.Ordinal) == true) return;
        context.ProblemDetails.Type = Prefix + (context.ProblemDetails.Status switch
        {
            StatusCodes.Status400BadRequest => "malformed",
            StatusCodes.Status401Unauthorized => "unauthorized",
            StatusCodes.Status404NotFound => "not-found",
            StatusCodes.Status405MethodNotAllowed => "method-not-allowed",
            StatusCodes.Status413PayloadTooLarge => "too-large",
            StatusCodes.Status415UnsupportedMediaType => "unsupported-media-type",
            StatusCodes.Status503ServiceUnavailable => "unavailable",
            _ => "internal-error",
        });
    }
}
