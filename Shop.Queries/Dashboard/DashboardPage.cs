using System.Security.Cryptography;
using System.Text;
using Microsoft.Net.Http.Headers;

namespace Shop.Queries.Dashboard;

/// <summary>
/// <c>GET /</c>: the customer dashboard. Its files are in this assembly, so that a published image needs no folder beside it. All but the
/// first are asked for under a name that changes with any of them, and are kept by browsers for ever.
/// </summary>
internal sealed class DashboardPage
{
    private const string Root = "page/";
    private const string VersionMark = "{version}";

    // The page loads nothing from elsewhere, and runs and styles nothing that is not in a file of ours. Trusted types: no text ever becomes markup.
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

    private readonly Dictionary<string, PageFile> files;
    private readonly string version;

    public DashboardPage()
    {
        var sources = typeof(DashboardPage).Assembly.GetManifestResourceNames().Where(name => name.StartsWith(Root, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal).ToDictionary(name => name[Root.Length..], Read);
        version = Convert.ToHexStringLower(SHA256.HashData([.. sources.SelectMany(source => source.Value)]).AsSpan(0, 6));
        files = sources.ToDictionary(source => source.Key, source => new PageFile(source.Key, source.Key.EndsWith(".html", StringComparison.Ordinal)
            ? Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(source.Value).Replace(VersionMark, version, StringComparison.Ordinal))
            : source.Value));
    }

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/", [HttpMethods.Get, HttpMethods.Head], context => SendAsync(context, files["index.html"], "no-cache"));
        routes.MapMethods("/page/{version}/{name}", [HttpMethods.Get, HttpMethods.Head], (string version, string name, HttpContext context) =>
        {
            if (!files.TryGetValue(name, out var file)) return Results.NotFound().ExecuteAsync(context);
            // While instances of two versions serve, one may be asked for the other's file: it gives its own, and nobody keeps that.
            return SendAsync(context, file, version == this.version ? "public, max-age=31536000, immutable" : "no-store");
        });
    }

    private static Task SendAsync(HttpContext context, PageFile file, string cacheControl)
    {
        var (encoding, content, entityTag) = file.For(context.Request.Headers.AcceptEncoding.ToString());
        var headers = context.Response.Headers;
        headers.ETag = entityTag;
        headers.CacheControl = cacheControl;
        headers.Vary = HeaderNames.AcceptEncoding;
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";
        if (context.Request.Headers.IfNoneMatch.ToString().Split(',').Any(tag => tag.Trim() == entityTag))
        {
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        context.Response.ContentType = file.ContentType;
        if (encoding.Length > 0) headers.ContentEncoding = encoding;
        context.Response.ContentLength = content.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(content, context.RequestAborted).AsTask();
    }

    private static byte[] Read(string resource)
    {
        using var stream = typeof(DashboardPage).Assembly.GetManifestResourceStream(resource)!;
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }
}
