#:sdk Microsoft.NET.Sdk.Web
#:property PublishAot=false
// Builds the images of the three services as docs/operations.md says, against a registry of its own on loopback (there is none to be had without a
// network, nor a container engine), checks what is in them, and starts each as a cluster would: its own user, no capabilities, nothing
// writable but /tmp. Usage: dotnet run .ci/images.cs
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

const string Base = "dotnet/aspnet", BaseTag = "10.0-noble-chiseled", Tag = "ci", AdminKey = "a-key-for-this-check-only";
(string Project, string[] Settings)[] services =
[
    ("Shop.Commands", ["shopdb", "messaging", "admin"]), ("Shop.Projector", ["messaging", "readdb", "admin"]), ("Shop.Queries", ["readdb"]),
];
// The Web SDK starts programs in their own folder.
Directory.SetCurrentDirectory(Path.Combine((string)AppContext.GetData("EntryPointFileDirectoryPath")!, ".."));
int passed = 0, failed = 0, skipped = 0;
var work = Directory.CreateTempSubdirectory("shop-images-").FullName;
var children = new List<Process>();
try
{
    var registry = new ImageRegistry();
    registry.AddBase(Base, BaseTag);
    await using var server = await registry.StartAsync();
    foreach (var (project, _) in services) await CheckAsync($"{project} is published as an image", () => PublishAsync(project, registry));
    if (WhyNoContainers() is { } reason) Skip("each image runs as its user with a read-only file system", reason);
    else
    {
        // The stand-ins beside them.
        await RunAsync("dotnet", "build", "Shop.Local", "-c", "Release", "-v", "quiet", "-nologo");
        await RunAllAsync(registry);
    }
}
finally
{
    foreach (var child in Enumerable.Reverse(children)) await StopAsync(child);
    Directory.Delete(work, recursive: true);
}

Console.WriteLine($"images: {passed} passed, {failed} failed, {skipped} skipped");
return failed == 0 ? 0 : 1;

async Task PublishAsync(string project, ImageRegistry registry)
{
    await RunAsync("dotnet", "publish", project, "-c", "Release", "-r", "linux-x64", "-v", "quiet", "-nologo", "-t:PublishContainer",
        $"-p:ContainerRegistry={registry.Address}", $"-p:ContainerImageTag={Tag}", $"-p:ContainerBaseImage={registry.Address}/{Base}:{BaseTag}");
    var name = project.ToLowerInvariant().Replace('.', '-');
    var config = registry.ConfigOf(name, Tag)["config"]!;
    Expect(project, "user", "1654", config["User"]?.ToString());
    Expect(project, "entry point", $"[\"dotnet\",\"/app/{project}.dll\"]", config["Entrypoint"]?.ToJsonString());
    Expect(project, "command", null, config["Cmd"] is JsonArray { Count: > 0 } command ? command.ToJsonString() : null);
    Expect(project, "working directory", "/app", config["WorkingDir"]?.ToString().TrimEnd('/'));
    Expect(project, "ports", "8080/tcp", string.Join(',', (config["ExposedPorts"] as JsonObject ?? []).Select(port => port.Key)));
    Expect(project, "HTTP port", "8080", EnvironmentOf(config).GetValueOrDefault("ASPNETCORE_HTTP_PORTS"));
    Expect(project, "layers", "2", $"{registry.LayersOf(name, Tag).Count}");
    var files = Directory.CreateDirectory(Path.Combine(work, project)).FullName;
    using var layer = new MemoryStream(registry.LayersOf(name, Tag)[^1]);
    using var unpacked = new GZipStream(layer, CompressionMode.Decompress);
    TarFile.ExtractToDirectory(unpacked, files, overwriteFiles: true);
    Expect(project, "program", "True", $"{File.Exists(Path.Combine(files, "app", project + ".dll"))}");
    Expect(project, "settings that reach into the machine", "0", $"{Directory.GetFiles(files, "*.Development.json", SearchOption.AllDirectories).Length}");
    Console.WriteLine($"  {name}: {registry.LayersOf(name, Tag)[^1].Length / 1024:N0} KiB compressed");
}

async Task RunAllAsync(ImageRegistry registry)
{
    var (postgres, broker, store) = (FreePort(), FreePort(), FreePort());
    var password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));
    var database = StartStandIn("postgres", postgres, password);
    foreach (var (verb, port) in new[] { ("servicebus", broker), ("mongo", store) }) StartStandIn(verb, port, password);
    var given = new Dictionary<string, (string Name, string Value)[]>
    {
        ["shopdb"] = [("ConnectionStrings__shopdb", $"Host=127.0.0.1;Port={postgres};Username=shop;Password={password};Database=shop")],
        ["messaging"] = [("ConnectionStrings__messaging", $"Endpoint=sb://127.0.0.1:{broker};SharedAccessKeyName=any;SharedAccessKey=any;UseDevelopmentEmulator=true;")],
        ["readdb"] = [("ConnectionStrings__readdb", $"mongodb://127.0.0.1:{store}/shop")],
        ["admin"] = [("Shop__AdminUrl", $"http://127.0.0.1:{FreePort()}"), ("Shop__AdminKey", AdminKey)],
    };
    await CheckAsync("the migration runs to its end as a job would run it", async () =>
    {
        // Its port is open before the database is there: its own word counts.
        var said = await database.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(120));
        Expect("postgres", "first line", $"PostgreSQL listens on 127.0.0.1:{postgres}, database shop.", said);
        var migrate = StartContainer(registry, "Shop.Commands", given["shopdb"], "migrate");
        await migrate.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(120));
        Expect("migrate", "exit code", "0", $"{migrate.ExitCode}");
    });
    foreach (var (project, settings) in services)
    {
        await CheckAsync($"{project} gets ready as user 1654 with a read-only file system, and ends when told to", async () =>
        {
            var port = FreePort();
            var process = StartContainer(registry, project, [.. settings.SelectMany(setting => given[setting]), ("ASPNETCORE_HTTP_PORTS", $"{port}")]);
            using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
            await UntilAsync($"{project} is ready", async () =>
            {
                if (process.HasExited) throw new InvalidOperationException($"{project} ended with exit code {process.ExitCode}.");
                try
                {
                    using var answer = await http.GetAsync("/health");
                    return answer.IsSuccessStatusCode;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            }, 120);
            var status = File.ReadAllLines($"/proc/{process.Id}/status");
            Expect(project, "user", "1654", Field(status, "Uid"));
            Expect(project, "capabilities", "0000000000000000", Field(status, "CapEff"));
            Expect(project, "new privileges", "1", Field(status, "NoNewPrivs"));
            await RunAsync("kill", "-TERM", $"{process.Id}");
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
            Expect(project, "exit code after SIGTERM", "0", $"{process.ExitCode}");
        });
    }
}

// What a cluster does with the image, from the kernel's own parts: the machine's runtime and libraries stand in for the base image's.
Process StartContainer(ImageRegistry registry, string project, IEnumerable<(string Name, string Value)> settings, params string[] arguments)
{
    var config = registry.ConfigOf(project.ToLowerInvariant().Replace('.', '-'), Tag)["config"]!;
    var root = Directory.CreateDirectory(Path.Combine(work, $"root-{Guid.CreateVersion7():N}")).FullName;
    var runtime = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
    string[] entry = [.. config["Entrypoint"]!.AsArray().Select(part => part!.ToString()), .. arguments];
    var environment = EnvironmentOf(config);
    foreach (var (name, value) in settings) environment[name] = value;
    environment["PATH"] = "/dotnet:/usr/bin:/bin";
    var words = string.Join(' ', environment.Select(pair => Quote($"{pair.Key}={pair.Value}")).Concat(entry.Select(Quote)));
    var script = $$"""
        set -e
        mount --make-rprivate /
        mount -t tmpfs tmpfs '{{root}}'
        cd '{{root}}'
        mkdir app dotnet tmp proc dev etc usr
        for link in bin lib lib64 sbin; do [ -L "/$link" ] && ln -s "usr/$link" "$link" || { [ -d "/$link" ] && mkdir "$link" && mount --bind "/$link" "$link"; } || true; done
        for pair in '{{work}}/{{project}}/app app' '{{runtime}} dotnet' '/usr usr' '/etc etc'; do set -- $pair; mount --bind "$1" "$2"; mount -o remount,bind,ro "$2"; done
        mount --rbind /dev dev
        mount -t proc proc proc
        mount -t tmpfs -o size=64m,mode=1777 tmpfs tmp
        mount -o remount,ro '{{root}}'
        exec chroot --userspec=0:0 '{{root}}' /usr/bin/setpriv --reuid {{config["User"]}} --regid {{config["User"]}} --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all \
            /usr/bin/env -i -C /app {{words}}
        """;
    var start = new ProcessStartInfo("unshare", ["--mount", "--", "sh", "-c", script]);
    return Track(Process.Start(start)!);
}

Process StartStandIn(string verb, int port, string password)
{
    // PostgreSQL without a directory has one of its own, which it deletes at the end, wherever that is.
    string[] data = verb == "postgres" ? [] : ["--data", Path.Combine(work, verb)];
    var start = new ProcessStartInfo("dotnet", ["Shop.Local/bin/Release/net10.0/Shop.Local.dll", verb, "--port", $"{port}", .. data]) { RedirectStandardOutput = true };
    start.Environment["SHOP_POSTGRES_PASSWORD"] = password;
    return Track(Process.Start(start)!);
}

Process Track(Process process)
{
    children.Add(process);
    return process;
}

async Task CheckAsync(string what, Func<Task> check)
{
    try
    {
        await check();
        passed++;
        Console.WriteLine($"passed   {what}");
    }
    catch (Exception exception) when (exception is InvalidOperationException or TimeoutException or IOException or InvalidDataException)
    {
        failed++;
        Console.WriteLine($"FAILED   {what}: {exception.Message}");
    }
}

void Skip(string what, string reason)
{
    skipped++;
    Console.WriteLine($"skipped  {what}: {reason}");
}

static string? WhyNoContainers()
{
    if (!OperatingSystem.IsLinux() || RuntimeInformation.OSArchitecture != Architecture.X64) return "the images are for Linux on x64";
    if (Environment.UserName != "root") return "only root may make a mount namespace";
    using var trial = Process.Start(new ProcessStartInfo("unshare", ["--mount", "--", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]) { RedirectStandardError = true })!;
    trial.WaitForExit();
    return trial.ExitCode == 0 ? null : "this machine allows no mount namespace";
}

static void Expect(string what, string aspect, string? expected, string? actual)
{
    if (expected != actual) throw new InvalidOperationException($"{what}: {aspect} is {actual ?? "nothing"} instead of {expected ?? "nothing"}");
}

static Dictionary<string, string> EnvironmentOf(JsonNode config) =>
    (config["Env"]?.AsArray() ?? []).Select(entry => entry!.ToString().Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);

static string Field(string[] status, string name) => status.First(line => line.StartsWith(name + ":", StringComparison.Ordinal)).Split('\t')[1];

static string Quote(string word) => $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

static int FreePort()
{
    using var listener = new TcpListener(IPAddress.Loopback, 0);
    listener.Start();
    return ((IPEndPoint)listener.LocalEndpoint).Port;
}

static async Task UntilAsync(string what, Func<Task<bool>> condition, int seconds)
{
    var started = TimeProvider.System.GetTimestamp();
    while (!await condition())
    {
        if (TimeProvider.System.GetElapsedTime(started).TotalSeconds > seconds) throw new TimeoutException($"Waited in vain: {what}.");
        await Task.Delay(50);
    }
}

static async Task StopAsync(Process process)
{
    if (!process.HasExited)
    {
        await RunAsync("kill", "-TERM", $"{process.Id}");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
        }
    }

    process.Dispose();
}

static async Task RunAsync(string program, params string[] arguments)
{
    using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
    var output = process.StandardOutput.ReadToEndAsync();
    var errors = await process.StandardError.ReadToEndAsync();
    await process.WaitForExitAsync();
    if (process.ExitCode != 0) throw new InvalidOperationException($"{program} {arguments[0]} failed: {(await output + errors).Trim()}");
}

/// <summary>As much of the OCI distribution specification as the SDK needs to pull a base image and push one.</summary>
internal sealed class ImageRegistry
{
    private const string ManifestType = "application/vnd.docker.distribution.manifest.v2+json", ConfigType = "application/vnd.docker.container.image.v1+json";
    private const string LayerType = "application/vnd.docker.image.rootfs.diff.tar.gzip";
    private readonly ConcurrentDictionary<string, byte[]> blobs = new();
    private readonly ConcurrentDictionary<string, (string Type, byte[] Body)> manifests = new();
    private readonly ConcurrentDictionary<string, MemoryStream> uploads = new();

    public string Address { get; private set; } = "";

    /// <summary>An image with what the real base image says of itself and a single, nearly empty layer.</summary>
    public void AddBase(string name, string tag)
    {
        var plain = new MemoryStream();
        using (var writer = new TarWriter(plain, leaveOpen: true)) writer.WriteEntry(new PaxTarEntry(TarEntryType.Directory, "tmp/"));
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(plain.ToArray());
        var config = $$"""
            {"architecture":"amd64","os":"linux","config":{"User":"1654","Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","APP_UID=1654","ASPNETCORE_HTTP_PORTS=8080","DOTNET_RUNNING_IN_CONTAINER=true"]},
             "rootfs":{"type":"layers","diff_ids":["{{DigestOf(plain.ToArray())}}"]},"history":[{"created_by":"a stand-in for the base image"}]}
            """;
        var (layer, settings) = (Add(packed.ToArray()), Add(Encoding.UTF8.GetBytes(config)));
        var manifest = Encoding.UTF8.GetBytes($$"""
            {"schemaVersion":2,"mediaType":"{{ManifestType}}","config":{"mediaType":"{{ConfigType}}","size":{{blobs[settings].Length}},"digest":"{{settings}}"},
             "layers":[{"mediaType":"{{LayerType}}","size":{{blobs[layer].Length}},"digest":"{{layer}}"}]}
            """);
        manifests[$"{name}:{tag}"] = manifests[$"{name}:{DigestOf(manifest)}"] = (ManifestType, manifest);
    }

    public JsonNode ConfigOf(string name, string tag) => JsonNode.Parse(blobs[ManifestOf(name, tag)["config"]!["digest"]!.ToString()])!;

    public IReadOnlyList<byte[]> LayersOf(string name, string tag) => [.. ManifestOf(name, tag)["layers"]!.AsArray().Select(layer => blobs[layer!["digest"]!.ToString()])];

    public async Task<WebApplication> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        var app = builder.Build();
        app.Run(AnswerAsync);
        await app.StartAsync();
        Address = $"localhost:{new Uri(app.Urls.First()).Port}";
        return app;
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        var path = request.Path.Value!;
        var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        if (path is "/v2/" or "/v2") return;
        if (path.Contains("/blobs/uploads/", StringComparison.Ordinal)) Upload(request, response, path, body.ToArray());
        else if (path.Split("/blobs/") is [_, var digest]) await SendAsync(request, response, blobs.GetValueOrDefault(digest), "application/octet-stream", digest);
        else if (path["/v2/".Length..].Split("/manifests/") is [var name, var reference])
        {
            if (request.Method == "PUT")
            {
                manifests[$"{name}:{reference}"] = (request.ContentType!, body.ToArray());
                (response.StatusCode, response.Headers.Location) = (201, path);
                response.Headers["Docker-Content-Digest"] = DigestOf(body.ToArray());
                return;
            }

            var (type, found) = manifests.GetValueOrDefault($"{name}:{reference}");
            await SendAsync(request, response, found, type, found is null ? "" : DigestOf(found));
        }
        else response.StatusCode = 404;
    }

    private void Upload(HttpRequest request, HttpResponse response, string path, byte[] body)
    {
        var id = request.Method == "POST" ? Guid.CreateVersion7().ToString("N") : path[(path.LastIndexOf('/') + 1)..];
        var upload = uploads.GetOrAdd(id, _ => new());
        upload.Write(body);
        response.Headers.Location = $"{path[..(path.LastIndexOf('/') + 1)]}{id}";
        response.Headers.Range = $"0-{Math.Max(0, upload.Length - 1)}";
        response.StatusCode = 202;
        if (request.Query["digest"].ToString() is not { Length: > 0 } digest) return;
        var added = Add(upload.ToArray());
        response.StatusCode = added == digest ? 201 : 400;
    }

    private static async Task SendAsync(HttpRequest request, HttpResponse response, byte[]? body, string type, string digest)
    {
        if (body is null)
        {
            response.StatusCode = 404;
            return;
        }

        (response.ContentType, response.ContentLength) = (type, body.Length);
        response.Headers["Docker-Content-Digest"] = digest;
        if (request.Method != "HEAD") await response.Body.WriteAsync(body);
    }

    private JsonNode ManifestOf(string name, string tag) => JsonNode.Parse(manifests[$"{name}:{tag}"].Body)!;

    private string Add(byte[] blob)
    {
        var digest = DigestOf(blob);
        blobs[digest] = blob;
        return digest;
    }

    private static string DigestOf(byte[] bytes) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(bytes))}";
}
