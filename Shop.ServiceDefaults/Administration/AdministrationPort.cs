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
        var (isAdministration, hasKey) = (ThroughAdministrationPort(app), WithKey(app));
        var group = app.MapGroup("");
        group.AddEndpointFilter(async (context, next) =>
        {
            if (!isAdministration(context.HttpContext)) return TypedResults.NotFound();
            return hasKey(context.HttpContext)
                ? await next(context)
                : TypedResults.Problem($"The administration port wants its key in the header {HeaderName}.",
                    statusCode: StatusCodes.Status401Unauthorized, title: "Unauthorized");
        });
        return group;
    }

    /// <summary>Whether a request came in through the administration port.</summary>
    internal static Func<HttpContext, bool> ThroughAdministrationPort(WebApplication app)
    {
        var addresses = app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses;
        var port = new Lazy<int>(() => BindingAddress.Parse(addresses.Last()).Port);
        return context => context.Connection.LocalPort == port.Value;
    }

    /// <summary>Whether a request brought the key: in <see cref="HeaderName"/>, or as a bearer token, which is what Prometheus can send.</summary>
    internal static Func<HttpContext, bool> WithKey(WebApplication app)
    {
        var expected = SHA256.HashData(Encoding.UTF8.GetBytes(app.Configuration[SecretKey]!));
        return context => CryptographicOperations.FixedTimeEquals(expected, SHA256.HashData(Encoding.UTF8.GetBytes(GivenKey(context.Request.Headers))));
    }

    private static string GivenKey(IHeaderDictionary headers)
    {
        const string bearer = "Bearer ";
        var authorization = headers.Authorization.ToString();
        return authorization.StartsWith(bearer, StringComparison.OrdinalIgnoreCase) ? authorization[bearer.Length..] : headers[HeaderName].ToString();
    }

    private static string PublicUrls(ConfigurationManager configuration) =>
        configuration[WebHostDefaults.ServerUrlsKey] is { Length: > 0 } urls ? urls
        : configuration["HTTP_PORTS"] is { Length: > 0 } ports ? string.Join(';', ports.Split(';').Select(port => $"http://*:{port}"))
        : "http://127.0.0.1:5000";
}
