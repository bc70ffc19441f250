using Shop.Contracts.Views;
using Shop.Queries.Http;

namespace Shop.Queries.Pipeline;

/// <summary>
/// <c>GET /pipeline?after=</c>: how the services are, what the outbox holds back, the lag, and its course over the last minutes.
/// </summary>
internal static class GetPipeline
{
    public static void AddPipeline(this WebApplicationBuilder builder)
    {
        // A reading that fails is an answer too, and the next one comes in a second: nothing to repeat here.
#pragma warning disable EXTEXP0001
        builder.Services.AddHttpClient(PipelineProbe.Client).RemoveAllResilienceHandlers();
#pragma warning restore EXTEXP0001
        builder.Services.AddSingleton<PipelineProbe>();
        builder.Services.AddSingleton<PipelineWatch>();
        builder.Services.AddHostedService(services => services.GetRequiredService<PipelineWatch>());
    }

    public static void MapGetPipeline(this IEndpointRouteBuilder routes) => routes.MapGet("/pipeline", HandleAsync);

    private static async Task<IResult> HandleAsync(PipelineWatch watch, IHostApplicationLifetime lifetime, HttpContext context)
    {
        var parameters = new QueryParameters(context.Request.Query);
        var after = parameters.Milliseconds("after");
        if (!parameters.IsValid) return Problems.Invalid(parameters.Errors);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Json(await watch.LookAsync(after, ending.Token), PipelineJson.Default.PipelineReport);
    }
}
