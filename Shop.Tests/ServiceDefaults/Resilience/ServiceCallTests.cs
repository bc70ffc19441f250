using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Shop.ServiceDefaults;

namespace Shop.Tests.ServiceDefaults.Resilience;

public sealed class ServiceCallTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_service_is_called_by_its_name_retried_when_it_is_away_and_the_trace_goes_with_it()
    {
        var seen = new ConcurrentQueue<string>();
        await using var callee = await StartAsync([], app => app.MapGet("/ping", (HttpRequest request) =>
        {
            seen.Enqueue(request.Headers.TraceParent.ToString());
            return seen.Count < 3 ? Results.StatusCode(StatusCodes.Status503ServiceUnavailable) : Results.Text("pong");
        }));
        var address = callee.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        await using var caller = await StartAsync([$"--services:commands:http:0={address}"], _ => { });
        using var work = new Activity("work").SetIdFormat(ActivityIdFormat.W3C).Start();

        using var client = caller.Services.GetRequiredService<IHttpClientFactory>().CreateClient();
        Assert.Equal("pong", await client.GetStringAsync(new Uri("http://commands/ping"), Cancellation));

        Assert.Equal(3, seen.Count);
        Assert.All(seen, traceParent => Assert.Equal(work.TraceId, ActivityContext.Parse(traceParent, null).TraceId));
        // The pipeline's own limit rules; a client's default of 100 s beside it would be a second truth.
        Assert.Equal(Timeout.InfiniteTimeSpan, client.Timeout);
    }

    private static async Task<WebApplication> StartAsync(string[] settings, Action<WebApplication> map)
    {
        var builder = WebApplication.CreateBuilder([.. settings, "--urls=http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        builder.AddServiceDefaults();
        var app = builder.Build();
        app.MapDefaultEndpoints();
        map(app);
        await app.StartAsync(Cancellation);
        return app;
    }
}
