using System.Globalization;
using System.Security.Cryptography;
using Npgsql;
using Shop.Local.Supervision;

namespace Shop.Local.Postgres;

/// <summary>The files of one server, ready to be started: initialised, with a password of its own, reachable over loopback TCP only.</summary>
public sealed class PostgresCluster
{
    private const string Superuser = "shop";
    private readonly PostgresBinaries binaries;
    private readonly LocalPostgresOptions options;
    private readonly PostgresPlace place;

    private PostgresCluster(PostgresBinaries binaries, LocalPostgresOptions options, PostgresPlace place, string password, int port)
    {
        this.binaries = binaries;
        this.options = options;
        this.place = place;
        Port = port;
        ConnectionString = new NpgsqlConnectionStringBuilder
        {
            Host = "127.0.0.1", Port = port, Username = Superuser, Password = password, Database = options.Database,
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
        var place = await PostgresPlace.OpenAsync(options.DataDirectory, cancellationToken);
        string password;
        if (System.IO.Directory.Exists(place.Data))
        {
            await CheckAsync(place, binaries, cancellationToken);
            password = (await File.ReadAllTextAsync(place.PasswordFile, cancellationToken)).Trim();
        }
        else
        {
            password = options.Password is { Length: > 0 } given ? given : Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
            await InitialiseAsync(place, binaries, password, options, cancellationToken);
        }

        return new PostgresCluster(binaries, options, place, password, options.Port == 0 ? FreePort.Next() : options.Port);
    }

    /// <summary>SIGINT is PostgreSQL's fast shutdown: clients are disconnected, everything is flushed.</summary>
    public ChildCommand Command() => new(
        binaries.Postgres,
        ["-D", place.Data, .. Settings().SelectMany(setting => new[] { "-c", $"{setting.Key}={setting.Value}" })],
        new Dictionary<string, string> { ["LC_ALL"] = "C" },
        place.Directory, LogFile, Signal.Interrupt, place.User);

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

    public async Task EnsureDatabaseAsync(CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(MaintenanceConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var exists = new NpgsqlCommand("select 1 from pg_database where datname = $1", connection) { Parameters = { new() { Value = options.Database } } };
        if (await exists.ExecuteScalarAsync(cancellationToken) is not null) return;
        var quoted = new NpgsqlCommandBuilder().QuoteIdentifier(options.Database);
        // The name comes from our own options, and identifiers cannot be parameters.
        await using var create = new NpgsqlCommand($"create database {quoted}", connection);
        await create.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Deletes what an ephemeral server leaves; a kept one stays.</summary>
    public void Discard()
    {
        if (place.IsEphemeral) place.Delete();
    }

    private string MaintenanceConnectionString =>
        new NpgsqlConnectionStringBuilder(ConnectionString) { Database = "postgres", Pooling = false, Timeout = 5 }.ConnectionString;

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
        PostgresPlace place, PostgresBinaries binaries, string password, LocalPostgresOptions options, CancellationToken cancellationToken)
    {
        var unfinished = Path.Combine(place.Directory, "data.new");
        if (System.IO.Directory.Exists(unfinished)) System.IO.Directory.Delete(unfinished, recursive: true);
        await place.WriteSecretAsync(place.PasswordFile, password + "\n", cancellationToken);
        // C sorts by bytes, as the identifiers do; it exists on every system.
        string[] arguments =
        [
            "-D", unfinished, "-U", Superuser, "-A", "scram-sha-256", "--pwfile", place.PasswordFile, "--locale=C", "--encoding=UTF8",
            .. options.Fsync ? Array.Empty<string>() : ["--no-sync"],
        ];
        using var initdb = await ChildProcess.StartAsync(new(
            binaries.Initdb, arguments, new Dictionary<string, string> { ["LC_ALL"] = "C" }, place.Directory,
            Path.Combine(place.Directory, "initdb.log"), Signal.Terminate, place.User));
        if (await initdb.Exited.WaitAsync(cancellationToken) is var code and not 0)
            throw new LocalRunException($"initdb failed with exit code {code}: {initdb.LogTail}");
        System.IO.Directory.Move(unfinished, place.Data);
    }
}
