using System.Net.Http.Headers;
using Aspire.Hosting.ApplicationModel;

namespace Shop.AppHost;

/// <summary>What the dashboard can do beyond starting and stopping: requests to the services' administration, with its key.</summary>
internal static class DashboardCommands
{
    private const string Endpoint = "admin";

    public static void WithWriteSideCommands(this IResourceBuilder<ProjectResource> commands, IResourceBuilder<ParameterResource> adminKey) => commands
        .WithHttpCommand("/import", "Seed the catalogue, a customer and two orders", Endpoint, commandOptions: Post(adminKey, "DatabaseArrowUp", "seed.ndjson"))
        .WithHttpCommand("/parked/replay", "Replay parked events", Endpoint, commandOptions: Post(adminKey, "ArrowRepeatAll"));

    public static void WithReadSideCommands(this IResourceBuilder<ProjectResource> projector, IResourceBuilder<ParameterResource> adminKey) => projector
        .WithHttpCommand("/rebuild", "Rebuild the read model", Endpoint, commandOptions: Post(adminKey, "ArrowSync"))
        .WithHttpCommand("/dead-letters/replay", "Replay dead letters", Endpoint, commandOptions: Post(adminKey, "ArrowRepeatAll"));

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
