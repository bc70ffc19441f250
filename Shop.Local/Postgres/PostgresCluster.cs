using System.Globalization;
using System.Security.Cryptography;
using Npgsql;
using Shop.Local.Supervision;

namespace Shop.Local.Postgres;

/// <summary>
/// The files of one server, ready to be started: initialised, with passwords of its own, reachable over loopback TCP only. Services get a
/// role that owns its database and nothing else; the superuser's password is for what is done here.
/// </summary>
public sealed class PostgresCluster
{
    private const string Role = "shop";
    private const string Administrator = "postgres";
    private static readonly TimeSpan InitialisationGrace = TimeSpan.FromSeconds(5);
    private readonly PostgresBinaries binaries;
    private readonly LocalPostgresOptions options;
    private readonly PostgresPlace place;
    private readonly Passwords passwords;

    private PostgresCluster(PostgresBinaries binaries, LocalPostgresOptions options, PostgresPlace place, Passwords passwords, int port)
    {
        this.binaries = binaries;
        this.options = options;
        this.place = place;
        Port = port;
        this.passwords = passwords;
        ConnectionString = new NpgsqlConnectionStringBuilder
        {
            Host = "127.0.0.1", Port = port, Username = Role, Password = passwords.Role, Database = options.Database,
        }.ConnectionString;
    }

    public int Port { get; }

    public string ConnectionString { get; }

    public string LogFile => options.LogFile ?? Path.Combine(place.Directory, "postgres.log");

    public string Directory => place.Directory;

    /// <exception cref="LocalRunException">No server is installed, or the directory holds something that it cannot use.</exception>
    public static async Task<PostgresCluster> PrepareAsync(LocalPostgresOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        var binaries = PostgresBinaries.Find() ?? throw new LocalRunException(PostgresInstaller.WhatToInstall);
        return await PrepareAsync(options, binaries, await PostgresPlace.OpenAsync(options.DataDirectory, cancellationToken), cancellationToken);
    }

    /// <summary>In that place, which is gone when this fails and nobody keeps it.</summary>
    internal static async Task<PostgresCluster> PrepareAsync(LocalPostgresOptions options, PostgresBinaries binaries, PostgresPlace place, CancellationToken cancellationToken)
    {
        try
        {
            var passwords = await PasswordsAsync(options, binaries, place, cancellationToken);
            return new PostgresCluster(binaries, options, place, passwords, options.Port == 0 ? FreePort.Next() : options.Port);
        }
        catch (Exception)
        {
            if (place.IsEphemeral) place.Delete();
            throw;
        }
    }

    private static async Task<Passwords> PasswordsAsync(LocalPostgresOptions options, PostgresBinaries binaries, PostgresPlace place, CancellationToken cancellationToken)
    {
        if (System.IO.Directory.Exists(place.Data))
        {
            await CheckAsync(place, binaries, cancellationToken);
            return new((await ReadSecretAsync(place.PasswordFile, cancellationToken))!, await ReadSecretAsync(place.AdministratorPasswordFile, cancellationToken));
        }

        var passwords = new Passwords(options.Password is { Length: > 0 } given ? given : NewPassword(), NewPassword());
        await InitialiseAsync(place, binaries, passwords, options, cancellationToken);
        return passwords;
    }

    /// <summary>SIGINT is PostgreSQL's fast shutdown: clients are disconnected, everything is flushed.</summary>
    public ChildCommand Command() => new(
        binaries.Postgres,
        ["-D", place.Data, .. Settings().SelectMany(setting => new[] { "-c", $"{setting.Key}={setting.Value}" })],
        new Dictionary<string, string> { ["LC_ALL"] = "C" },
        place.Directory, LogFile, Signal.Interrupt, place.User, PostgresStartup.ReadyLine);

    /// <summary>True when it accepts connections; false when it does not yet.</summary>
    /// <exception cref="PostgresException">It is there and refuses for good, as with a wrong password.</exception>
    public async Task<bool> IsReadyAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = new NpgsqlConnection(MaintenanceConnectionString);
            await connection.OpenAsync(cancellationToken);
            return true;
        }
        catch (NpgsqlException exception) when (exception is not PostgresException || exception.SqlState == PostgresErrorCodes.CannotConnectNow)
        {
            return false;
        }
    }

    /// <summary>The options' database, and the role that owns it.</summary>
    public async Task EnsureDatabaseAsync(CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(MaintenanceConnectionString);
        await connection.OpenAsync(cancellationToken);
        if (!await IsThereAsync(connection, "select from pg_roles where rolname = $1", Role, cancellationToken))
        {
            // A role's password cannot be a parameter; it is quoted by the server itself.
            await using var create = new NpgsqlCommand("select format('create role %I login password %L', $1, $2)", connection) { Parameters = { new() { Value = Role }, new() { Value = passwords.Role } } };
            await ExecuteAsync(connection, (string)(await create.ExecuteScalarAsync(cancellationToken))!, cancellationToken);
        }

        if (!await IsThereAsync(connection, "select from pg_database where datname = $1", options.Database, cancellationToken))
            await CreateDatabaseAsync(connection, options.Database, cancellationToken);
    }

    /// <summary>One more, for the same role.</summary>
    /// <returns>Its connection string.</returns>
    public async Task<string> CreateDatabaseAsync(string name, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(MaintenanceConnectionString);
        await connection.OpenAsync(cancellationToken);
        await CreateDatabaseAsync(connection, name, cancellationToken);
        return new NpgsqlConnectionStringBuilder(ConnectionString) { Database = name }.ConnectionString;
    }

    /// <summary>Deletes what an ephemeral server leaves; a kept one stays.</summary>
    public void Discard()
    {
        if (place.IsEphemeral) place.Delete();
    }

    // A server that was initialised before there was an administrator has a role with all rights instead.
    private string MaintenanceConnectionString => new NpgsqlConnectionStringBuilder(ConnectionString)
    {
        Username = passwords.Administrator is null ? Role : Administrator, Password = passwords.Administrator ?? passwords.Role, Database = "postgres", Pooling = false, Timeout = 5,
    }.ConnectionString;

    private static string NewPassword() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    private static async Task<bool> IsThereAsync(NpgsqlConnection connection, string query, string name, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"select exists ({query})", connection) { Parameters = { new() { Value = name } } };
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static Task CreateDatabaseAsync(NpgsqlConnection connection, string name, CancellationToken cancellationToken)
    {
        // The names come from our own options, and identifiers cannot be parameters.
        var quote = new NpgsqlCommandBuilder();
        return ExecuteAsync(connection, $"create database {quote.QuoteIdentifier(name)} owner {quote.QuoteIdentifier(Role)}", cancellationToken);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private Dictionary<string, string> Settings()
    {
        var settings = new Dictionary<string, string>
        {
            ["listen_addresses"] = "127.0.0.1",
            ["port"] = Port.ToString(CultureInfo.InvariantCulture),
            ["unix_socket_directories"] = "",
            ["logging_collector"] = "off",
            ["log_destination"] = "stderr",
            ["max_connections"] = "200",
            ["fsync"] = options.Fsync ? "on" : "off",
            ["timezone"] = "UTC",
        };
        foreach (var (name, value) in options.Settings) settings[name] = value;
        return settings;
    }

    private static async Task CheckAsync(PostgresPlace place, PostgresBinaries binaries, CancellationToken cancellationToken)
    {
        var versionFile = Path.Combine(place.Data, "PG_VERSION");
        if (!File.Exists(versionFile) || !File.Exists(Path.Combine(place.Data, "global", "pg_control")) || !File.Exists(place.PasswordFile))
            throw new LocalRunException($"{place.Directory} is not a complete PostgreSQL data directory: restore it from a backup, or remove it to begin with an empty shop.");
        var version = (await File.ReadAllTextAsync(versionFile, cancellationToken)).Trim();
        if (version != binaries.MajorVersion.ToString(CultureInfo.InvariantCulture))
            throw new LocalRunException($"{place.Directory} was made by PostgreSQL {version}, and the installed server is {binaries.MajorVersion}: install PostgreSQL {version}, or use another data directory.");
    }

    /// <summary>Into a directory beside the final one, which then takes its name: an interrupted start leaves nothing half made.</summary>
    private static async Task InitialiseAsync(
        PostgresPlace place, PostgresBinaries binaries, Passwords passwords, LocalPostgresOptions options, CancellationToken cancellationToken)
    {
        var unfinished = Path.Combine(place.Directory, "data.new");
        if (System.IO.Directory.Exists(unfinished)) System.IO.Directory.Delete(unfinished, recursive: true);
        await place.WriteSecretAsync(place.PasswordFile, passwords.Role + "\n", cancellationToken);
        await place.WriteSecretAsync(place.AdministratorPasswordFile, passwords.Administrator + "\n", cancellationToken);
        // C sorts by bytes, as the identifiers do; it exists on every system.
        string[] arguments =
        [
            "-D", unfinished, "-U", Administrator, "-A", "scram-sha-256", "--pwfile", place.AdministratorPasswordFile, "--locale=C", "--encoding=UTF8",
            .. options.Fsync ? Array.Empty<string>() : ["--no-sync"],
        ];
        using var initdb = await ChildProcess.StartAsync(new(
            binaries.Initdb, arguments, new Dictionary<string, string> { ["LC_ALL"] = "C" }, place.Directory,
            Path.Combine(place.Directory, "initdb.log"), Signal.Terminate, place.User));
        try
        {
            if (await initdb.Exited.WaitAsync(cancellationToken) is var code and not 0)
                throw new LocalRunException($"initdb failed with exit code {code}: {initdb.LogTail}");
        }
        catch (OperationCanceledException)
        {
            // It would go on alone, and write where everything is deleted.
            await initdb.StopAsync(InitialisationGrace);
            throw;
        }

        System.IO.Directory.Move(unfinished, place.Data);
    }

    private static async Task<string?> ReadSecretAsync(string path, CancellationToken cancellationToken) =>
        File.Exists(path) ? (await File.ReadAllTextAsync(path, cancellationToken)).Trim() : null;

    private sealed record Passwords(string Role, string? Administrator);
}
