using System.Security.Cryptography;
using System.Text;
using Shop.Local.Supervision;

namespace Shop.Local.Postgres;

/// <summary>
/// Where a server's files are. PostgreSQL refuses to run as root, and the user it runs as instead cannot enter a clone under a 0700 home:
/// so for root the files are under <c>/var/lib/shop</c> (kept) or <c>/tmp</c> (ephemeral), keyed by the data directory, which remembers the place.
/// </summary>
/// <param name="Directory">Entered by the server's user only.</param>
/// <param name="IsEphemeral">Deleted when the server is.</param>
/// <param name="User">The user the server runs as; null: our own.</param>
public sealed record PostgresPlace(string Directory, bool IsEphemeral, string? User)
{
    private const string ServerUser = "postgres";
    private const string RootParent = "/var/lib/shop";
    private const string LocationFile = "postgres.location";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    public string Data => Path.Combine(Directory, "data");

    /// <summary>The services' role's.</summary>
    public string PasswordFile => Path.Combine(Directory, "password");

    /// <summary>The superuser's.</summary>
    public string AdministratorPasswordFile => Path.Combine(Directory, "administrator.password");

    public static async Task<PostgresPlace> OpenAsync(string? dataDirectory, CancellationToken cancellationToken)
    {
        var user = Posix.IsRoot ? ServerUser : null;
        if (dataDirectory is null)
        {
            var parent = user is null ? Path.GetTempPath() : "/tmp";
            return await CreateAsync(new(Path.Combine(parent, $"shop-postgres-{Guid.CreateVersion7():N}"), IsEphemeral: true, user));
        }

        var full = Path.GetFullPath(dataDirectory);
        try
        {
            System.IO.Directory.CreateDirectory(full);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LocalRunException($"The data directory {full} cannot be used: {exception.Message}", exception);
        }

        if (user is null) return await CreateAsync(new(Path.Combine(full, "postgres"), IsEphemeral: false, user));
        System.IO.Directory.CreateDirectory(RootParent);
        var key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(full)))[..16];
        var place = await CreateAsync(new(Path.Combine(RootParent, $"postgres-{key}"), IsEphemeral: false, user));
        await File.WriteAllTextAsync(Path.Combine(full, LocationFile), place.Directory + "\n", cancellationToken);
        return place;
    }

    public void Delete()
    {
        if (System.IO.Directory.Exists(Directory)) System.IO.Directory.Delete(Directory, recursive: true);
    }

    /// <summary>Writes a file that the server's user and nobody else can read.</summary>
    public async Task WriteSecretAsync(string path, string content, CancellationToken cancellationToken)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        await using (var file = new FileStream(path, options)) await file.WriteAsync(Encoding.UTF8.GetBytes(content), cancellationToken);
        if (User is not null) await Tool.RunAsync("chown", [$"{User}:", path], cancellationToken);
    }

    private static async Task<PostgresPlace> CreateAsync(PostgresPlace place)
    {
        // Not to be cancelled: then nobody would know of a directory that is there.
        if (place.User is { } user) await Tool.RunAsync("install", ["-d", "-o", user, "-m", "0700", place.Directory], CancellationToken.None);
        else if (OperatingSystem.IsWindows()) System.IO.Directory.CreateDirectory(place.Directory);
        else System.IO.Directory.CreateDirectory(place.Directory, OwnerOnly);
        return place;
    }
}
