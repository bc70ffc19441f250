using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Shop.Contracts.Commands;
using Shop.ServiceDefaults;

namespace Shop.Bench.Write;

/// <summary>
/// A minimal-API endpoint that commits every order on its own, as a service of its own with the same service defaults (telemetry, health,
/// problem details) as the shop's: <c>Shop.Bench reference-endpoint</c>.
/// </summary>
internal static class ReferenceEndpoint
{
    public const string Verb = "reference-endpoint";

    [SuppressMessage("Reliability", "CA2025:Do not pass 'IDisposable' instances into unawaited tasks", Justification = "The store ends with the application.")]
    public static async Task RunAsync(string[] args, CancellationToken cancellationToken)
    {
        var builder = ServiceDefaults.ServiceDefaults.CreateBuilder(args);
        builder.AddServiceDefaults();
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, CommandJson.Default));
        await using var store = new OneCommitPerOrder(builder.Configuration.GetConnectionString("shopdb")!);
        var app = builder.Build();
        app.MapDefaultEndpoints();
        app.MapPost("/commands", async (Command command, CancellationToken aborted) =>
        {
            if (command is not PlaceOrder { Items.Count: 2 } order) return Results.BadRequest();
            await store.PlaceAsync(order, aborted);
            return TypedResults.Created($"/orders/{order.OrderId}", new CommandResult(order.OrderId, 1));
        });
        await app.StartAsync(cancellationToken);
        await app.WaitForShutdownAsync(cancellationToken);
    }
}
