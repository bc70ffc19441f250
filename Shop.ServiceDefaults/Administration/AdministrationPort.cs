using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Shop.ServiceDefaults.Administration;

/// <summary>
/// Administration listens on a port of its own (<c>Shop:AdminUrl</c>), wants <c>Shop:AdminKey</c> in the header <c>X-Admin-Key</c>, and
/// does not exist on the public port: there every such path is 404.
/// </summary>
public static class AdministrationPort
{
    public const string UrlKey = "Shop:AdminUrl";
    public const string SecretKey = "Shop:AdminKey";
    public const string HeaderName = "X-Admin-Key";
    private const int MinimumKeyLength = 16;

    internal static void AddAdministration(this WebApplicationBuilder builder)
    {
        var adminUrl = builder.Configuration[UrlKey];
        if (string.IsNullOrWhiteSpace(adminUrl)) return;
        if (builder.Configuration[SecretKey] is not { Length: >= MinimumKeyLength })
            throw new InvalidOperationException($"{UrlKey} is set, so {SecretKey} must be too, with at least {MinimumKeyLength} characters.");

        // The administration address is always the last one: that is how a request is told to have come in through it.
        builder.WebHost.UseUrls($"{PublicUrls(builder.Configuration)};{adminUrl}");
    }

    /// <summary>Routes that only the administration port answers; null when the service was given none.</summary>
    public static RouteGroupBuilder? MapAdministration(this WebApplication app)
    {
        if (string.IsNullOrWhiteSpace(app.Configuration[UrlKey])) return null;
        var expectedKey = SHA256.HashData(Encoding.UTF8.GetBytes(app.Configuration[SecretKey]!));
        var addresses = app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses;
        var port = new Lazy<int>(() => BindingAddress.Parse(addresses.Last()).Port);
        var group = app.MapGroup("");
        group.AddEndpointFilter(async (context, next) =>
        {
            if (context.HttpContext.Connection.LocalPort != port.Value) return TypedResults.NotFound();
            var given = SHA256.HashData(Encoding.UTF8.GetBytes(context.HttpContext.Request.Headers[HeaderName].ToString()));
            return CryptographicOperations.FixedTimeEquals(given, expectedKey)
                ? await next(context)
                : TypedResults.Problem($"The administration port wants its key in the header {HeaderName}.",
                    statusCode: StatusCodes.Status401Unauthorized, title: "Unauthorized");
        });
        return group;
    }

    private static string PublicUrls(ConfigurationManager configuration) =>
        configuration[WebHostDefaults.ServerUrlsKey] is { Length: > 0 } urls ? urls
        : configuration["HTTP_PORTS"] is { Length: > 0 } ports ? string.Join(';', ports.Split(';').Select(port => $"http://*:{port}"))
        : "http://127.0.0.1:5000";
}
