using Microsoft.Net.Http.Headers;
using Shop.Queries.Http;
using Shop.ServiceDefaults.Resilience;
using Yarp.ReverseProxy.Forwarder;

namespace Shop.Queries.Dashboard;

/// <summary>
/// <c>POST /commands</c> of the page, passed on to the write side, so that the page talks to one origin. Nothing else of the write side is
/// reachable through it: no other path or method, no query string, and of the headers only those that a command has.
/// </summary>
internal sealed class ForwardCommand : IDisposable
{
    /// <summary>As the write side has it; what comes without a length it cuts off itself.</summary>
    private const int MaxBodyBytes = 1024 * 1024;

    private static readonly Uri target = new("http://commands/commands");
    private static readonly string[] passed =
        [HeaderNames.ContentType, HeaderNames.ContentLength, HeaderNames.TransferEncoding, HeaderNames.Accept, HeaderNames.IfMatch, HeaderNames.TraceParent, HeaderNames.TraceState, "Idempotency-Key"];

    private readonly HttpMessageInvoker client;
    private readonly IHttpForwarder forwarder;

    public ForwardCommand(IHttpForwarder forwarder, IForwarderHttpClientFactory clients)
    {
        this.forwarder = forwarder;
        client = clients.CreateClient(new ForwarderHttpClientContext { NewConfig = Yarp.ReverseProxy.Configuration.HttpClientConfig.Empty });
    }

    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/commands", HandleAsync);

    public void Dispose() => client.Dispose();

    private async Task HandleAsync(HttpContext context)
    {
        if (context.Request.ContentLength > MaxBodyBytes)
        {
            await Problems.CommandTooLarge(MaxBodyBytes).ExecuteAsync(context);
            return;
        }

        // Longer than the write side takes for its own "it may have been done": whoever sends a command is told by the one who knows.
        var limits = new ForwarderRequestConfig { ActivityTimeout = Pipelines.HttpAttemptBudget };
        var error = await forwarder.SendAsync(context, target.GetLeftPart(UriPartial.Authority), client, limits, OnlyTheCommand.Instance, context.RequestAborted);
        if (error == ForwarderError.None || context.Response.HasStarted) return;
        var failure = context.GetForwarderErrorFeature()?.Exception;
        if (failure is BadHttpRequestException { StatusCode: var status }) await TypedResults.Problem(statusCode: status).ExecuteAsync(context);
        else await Problems.WriteSideAway(context, wasSent: error != ForwarderError.RequestCreation && !IsRefusedConnection(failure)).ExecuteAsync(context);
    }

    /// <summary>Nobody was there to hear it: then it was certainly not done.</summary>
    private static bool IsRefusedConnection(Exception? failure) =>
        failure is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError };

    private sealed class OnlyTheCommand : HttpTransformer
    {
        public static readonly OnlyTheCommand Instance = new();

        public override async ValueTask TransformRequestAsync(
            HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
        {
            await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
            proxyRequest.RequestUri = target;
            foreach (var name in proxyRequest.Headers.Select(header => header.Key).Where(name => !passed.Contains(name, StringComparer.OrdinalIgnoreCase)).ToArray())
                proxyRequest.Headers.Remove(name);
            proxyRequest.Headers.Host = null;
        }
    }
}
