using Shop.Local.Supervision;
using Spectre.Console;

namespace Shop.Local.Postgres;

/// <summary>Installs PostgreSQL where we may: Debian and Ubuntu, as root or with sudo; without the cluster and the service that the package makes.</summary>
public static class PostgresInstaller
{
    private const string ClusterConfiguration = "/etc/postgresql-common/createcluster.conf";

    public static string WhatToInstall =>
        $"PostgreSQL {PostgresBinaries.MinimumVersion} or later is not installed: "
        + (OperatingSystem.IsWindows() ? "install it with winget install PostgreSQL.PostgreSQL.17, or use a running one with --postgres CONNECTION."
            : OperatingSystem.IsMacOS() ? "install it with brew install postgresql@17, or use a running one with --postgres CONNECTION."
            : File.Exists("/usr/bin/apt-get") ? "install it with sudo apt-get install postgresql, or use a running one with --postgres CONNECTION."
            : "install your distribution's PostgreSQL server package, or use a running one with --postgres CONNECTION.");

    /// <summary>Returns when a server is installed. On a terminal it asks first, unless told <paramref name="yes"/>.</summary>
    /// <exception cref="LocalRunException">None is, and it may not be installed here; the message says what to do.</exception>
    public static async Task EnsureAsync(bool yes, CancellationToken cancellationToken)
    {
        if (PostgresBinaries.Find() is not null) return;
        if (!OperatingSystem.IsLinux() || !File.Exists("/usr/bin/apt-get") || !await MayInstallAsync(cancellationToken)) throw new LocalRunException(WhatToInstall);
        if (!yes && !Console.IsInputRedirected && !Console.IsOutputRedirected
            && !await AnsiConsole.ConfirmAsync("PostgreSQL is not installed. Install it now with apt-get?", defaultValue: true, cancellationToken))
            throw new LocalRunException(WhatToInstall);

        await InstallAsync(cancellationToken);
        if (PostgresBinaries.Find() is null) throw new LocalRunException($"apt-get has installed an older PostgreSQL. {WhatToInstall}");
    }

    private static async Task InstallAsync(CancellationToken cancellationToken)
    {
        Console.WriteLine("Installing PostgreSQL with apt-get; no cluster is created and no service left running.");
        await AsRootAsync(["apt-get", "update", "-q"], cancellationToken);
        // First the package that decides about clusters, then the decision, then the server.
        await AsRootAsync(["apt-get", "install", "-q", "-y", "--no-install-recommends", "postgresql-common"], cancellationToken);
        await AsRootAsync(
            ["sh", "-c", $"grep -q '^create_main_cluster *= *false' {ClusterConfiguration} 2>/dev/null || echo 'create_main_cluster = false' >> {ClusterConfiguration}"], cancellationToken);
        await AsRootAsync(["apt-get", "install", "-q", "-y", "--no-install-recommends", "postgresql"], cancellationToken);
    }

    private static Task AsRootAsync(string[] command, CancellationToken cancellationToken)
    {
        string[] line = [.. Posix.IsRoot ? Array.Empty<string>() : ["sudo", "--non-interactive"], "env", "DEBIAN_FRONTEND=noninteractive", .. command];
        return Tool.RunAsync(line[0], line[1..], cancellationToken);
    }

    /// <summary>Root, or sudo that asks for no password.</summary>
    private static async Task<bool> MayInstallAsync(CancellationToken cancellationToken)
    {
        if (Posix.IsRoot) return true;
        try
        {
            await Tool.RunAsync("sudo", ["--non-interactive", "true"], cancellationToken);
            return true;
        }
        catch (LocalRunException)
        {
            // No sudo, or one that wants a password: the answer is no.
            return false;
        }
    }
}
