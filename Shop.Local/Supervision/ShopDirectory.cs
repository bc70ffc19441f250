using System.Security.Cryptography;
using System.Text.Json;

namespace Shop.Local.Supervision;

/// <summary>The directory that is a shop: its data, its administration key, its logs, and who runs it now. One runner at a time.</summary>
internal sealed class ShopDirectory : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private readonly FileStream runnerLock;
    private readonly bool ephemeral;

    private ShopDirectory(string path, bool ephemeral, FileStream runnerLock, string adminKey)
    {
        Path = path;
        this.ephemeral = ephemeral;
        this.runnerLock = runnerLock;
        AdminKey = adminKey;
    }

    public string Path { get; }

    public string AdminKey { get; }

    /// <exception cref="LocalRunException">Another runner has it, or it cannot be written.</exception>
    public static async Task<ShopDirectory> OpenAsync(string? dataDirectory, bool ephemeral, CancellationToken cancellationToken)
    {
        var path = System.IO.Path.GetFullPath(dataDirectory ?? (ephemeral
            ? System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"shop-{Guid.CreateVersion7():N}")
            : System.IO.Path.Combine(RepositoryRoot.Find(), ".shop")));
        try
        {
            CreateForOwner(path);
            Directory.CreateDirectory(System.IO.Path.Combine(path, "logs"));
            var held = await LockAsync(path, cancellationToken) ?? throw new LocalRunException($"A shop is already running on {path}: see it with ./shop status, stop it with ./shop down.");
            return new ShopDirectory(path, ephemeral, held, ReadOrMakeKey(System.IO.Path.Combine(path, "admin.key")));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LocalRunException($"The data directory {path} cannot be used: {exception.Message}", exception);
        }
    }

    /// <summary>Makes it enterable by its owner alone: it has keys, passwords and logs.</summary>
    /// <exception cref="LocalRunException">It cannot be made.</exception>
    public static void CreateForOwner(string path)
    {
        try
        {
            if (OperatingSystem.IsWindows()) Directory.CreateDirectory(path);
            else Directory.CreateDirectory(path, OwnerOnly);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LocalRunException($"The data directory {path} cannot be used: {exception.Message}", exception);
        }
    }

    /// <summary>True while a runner has the directory. Makes no lock where there is none: its runner may just be deleting the directory.</summary>
    public static bool IsHeld(string path)
    {
        try
        {
            using var free = TryLock(path, FileMode.Open);
            return free is null;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
    }

    /// <summary>Null while a runner has the directory; the system frees it when that process ends, however it ends.</summary>
    private static FileStream? TryLock(string path, FileMode mode)
    {
        try
        {
            return new FileStream(System.IO.Path.Combine(path, "shop.lock"), mode, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception) when (exception is not DirectoryNotFoundException and not FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>A verb that asks whether a shop is running has the lock for an instant, which is no reason to give up.</summary>
    private static async Task<FileStream?> LockAsync(string path, CancellationToken cancellationToken)
    {
        const int attempts = 6;
        for (var attempt = 1; ; attempt++)
        {
            if (TryLock(path, FileMode.OpenOrCreate) is { } held) return held;
            if (attempt == attempts) return null;
            await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
        }
    }

    public string Log(string name) => System.IO.Path.Combine(Path, "logs", name + ".log");

    public string Subdirectory(string name) => System.IO.Path.Combine(Path, name);

    public void Write(ShopState state)
    {
        var file = StateFile(Path);
        WriteSecret(file + ".new", JsonSerializer.SerializeToUtf8Bytes(state, ShopStateJson.Default.ShopState));
        File.Move(file + ".new", file, overwrite: true);
    }

    /// <summary>Null when no shop is there, or none any more.</summary>
    public static ShopState? ReadState(string path)
    {
        var file = StateFile(path);
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(file), ShopStateJson.Default.ShopState);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException exception)
        {
            throw new LocalRunException($"{file} is damaged: remove it.", exception);
        }
    }

    public static string ReadAdminKey(string path) => File.ReadAllText(System.IO.Path.Combine(path, "admin.key")).Trim();

    public void Dispose()
    {
        File.Delete(StateFile(Path));
        runnerLock.Dispose();
        if (ephemeral) Directory.Delete(Path, recursive: true);
    }

    private static string StateFile(string path) => System.IO.Path.Combine(path, "shop.json");

    private static string ReadOrMakeKey(string file)
    {
        if (File.Exists(file) && File.ReadAllText(file).Trim() is { Length: >= 32 } kept) return kept;
        var key = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
        WriteSecret(file, System.Text.Encoding.ASCII.GetBytes(key + "\n"));
        return key;
    }

    private static void WriteSecret(string file, byte[] content)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var stream = new FileStream(file, options);
        stream.Write(content);
    }
}
