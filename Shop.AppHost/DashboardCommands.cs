using System.Net.Http.Headers;

namespace Shop.AppHost;

/// <summary>The services' administration, and what the dashboard can do with it beyond starting and stopping.</summary>
internal static class DashboardCommands
{
    private const string Endpoint = "admin";

    /// <summary>Administration has a port and a key of its own; it is no part of ASPNETCORE_URLS and of no ingress.</summary>
    public static IResourceBuilder<ProjectResource> WithAdministration(this IResourceBuilder<ProjectResource> service, IResourceBuilder<ParameterResource> adminKey) => service
        .WithHttpEndpoint(name: Endpoint)
        .WithEndpointsInEnvironment(endpoint => endpoint.Name != Endpoint)
        .WithEnvironment("Shop__AdminUrl", ReferenceExpression.Create($"http://127.0.0.1:{service.GetEndpoint(Endpoint).Property(EndpointProperty.TargetPort)}"))
        .WithEnvironment("Shop__AdminKey", adminKey);

    // Named for the command line too: aspire resource commands seed. "rebuild" is Aspire's own, of the program.
    public static IResourceBuilder<ProjectResource> WithWriteSideCommands(this IResourceBuilder<ProjectResource> commands, IResourceBuilder<ParameterResource> adminKey) => commands
        .WithHttpCommand("/import", "Seed the catalogue, a customer and two orders", Endpoint, "seed", Post(adminKey, "DatabaseArrowUp", "seed.ndjson"))
        .WithHttpCommand("/parked/replay", "Replay parked events", Endpoint, "replay-parked", Post(adminKey, "ArrowRepeatAll"));

    public static IResourceBuilder<ProjectResource> WithReadSideCommands(this IResourceBuilder<ProjectResource> projector, IResourceBuilder<ParameterResource> adminKey) => projector
        .WithHttpCommand("/rebuild", "Rebuild the read model", Endpoint, "rebuild-read-model", Post(adminKey, "ArrowSync"))
        .WithHttpCommand("/dead-letters/replay", "Replay dead letters", Endpoint, "replay-dead-letters", Post(adminKey, "ArrowRepeatAll"));

    private static HttpCommandOptions Post(IResourceBuilder<ParameterResource> adminKey, string icon, string? lines = null) => new()
    {
        IconName = icon,
        ResultMode = HttpCommandResultMode.Auto,
        PrepareRequest = async context =>
        {
            context.Request.Headers.Add("X-Admin-Key", await adminKey.Resource.GetValueAsync(context.CancellationToken));
            if (lines is null) return;
            context.Request.Content = new StringContent(await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, lines), context.CancellationToken));
            context.Request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        },
    };
}
