using System.Text;
using Shop.Local.Supervision;

namespace Shop.Local.Postgres;

/// <summary>
/// Where a server's files are. PostgreSQL refuses to run as root, and the user it runs as instead cannot enter a clone under a 0700 home:
/// so for root the files are under <c>/var/lib/shop</c> (kept) or <c>/tmp</c> (ephemeral), and the data directory remembers the place: moved it
/// keeps them, and one that was removed and is made anew begins empty, as the rest of the shop does.
/// </summary>
/// <param name="Directory">Entered by the server's user only.</param>
/// <param name="IsEphemeral">Deleted when the server is.</param>
/// <param name="User">The user the server runs as; null: our own.</param>
public sealed record PostgresPlace(string Directory, bool IsEphemeral, string? User)
{
    private const string ServerUser = "postgres";
    private const string RootParent = "/var/lib/shop";
    private const string LocationFile = "postgres.location";

    /// <summary>In the place: the data directory that it belongs to.</summary>
    private const string OwnerFile = "data.directory";
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
        var remembered = await ReadAsync(Path.Combine(full, LocationFile), cancellationToken);
        // Whoever may write in the data directory may not choose a directory of root's.
        var isOurs = remembered is not null && Path.GetDirectoryName(Path.GetFullPath(remembered)) == RootParent;
        var place = await CreateAsync(new(isOurs ? Path.GetFullPath(remembered!) : Path.Combine(RootParent, $"postgres-{Guid.CreateVersion7():N}"), IsEphemeral: false, user));
        var owner = Path.Combine(place.Directory, OwnerFile);
        if (await ReadAsync(owner, cancellationToken) is { } other && other != full && await ReadAsync(Path.Combine(other, LocationFile), cancellationToken) == place.Directory)
            throw new LocalRunException($"{full} is a copy of {other}, and both name {place.Directory} for PostgreSQL's files: remove {Path.Combine(full, LocationFile)} to begin the copy with an empty database.");
        await File.WriteAllTextAsync(owner, full + "\n", cancellationToken);
        await File.WriteAllTextAsync(Path.Combine(full, LocationFile), place.Directory + "\n", cancellationToken);
        return place;
    }

    private static async Task<string?> ReadAsync(string file, CancellationToken cancellationToken) =>
        File.Exists(file) ? (await File.ReadAllTextAsync(file, cancellationToken)).Trim() : null;

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
