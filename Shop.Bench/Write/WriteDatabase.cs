using Npgsql;
using Shop.Commands;
using Shop.Local.Postgres;

namespace Shop.Bench.Write;

/// <summary>A database of a throw-away server, with the shop's own schema, customers and products.</summary>
internal static class WriteDatabase
{
    /// <summary>What is true of every side: the server's defaults, nothing switched off.</summary>
    public const string Durability = "fsync on, synchronous_commit on";

    /// <summary>The table that a service without a log of its own would use: an identity as its key.</summary>
    private const string ReferenceOutbox = """
        create table reference_outbox (
            id bigint generated always as identity primary key, event_id uuid not null, type text not null, subject text not null, version int not null,
            occurred_at timestamptz not null, traceparent text, data bytea not null)
        """;

    /// <summary>Creates it and returns its connection string.</summary>
    public static async Task<string> CreateAsync(LocalPostgres server, string name, CancellationToken cancellationToken)
    {
        var connectionString = await server.CreateDatabaseAsync(name, cancellationToken);
        await CommandsApp.MigrateAsync([$"--ConnectionStrings:shopdb={connectionString}", "--Logging:LogLevel:Default=Error"]);
        await ExecuteAsync(connectionString, Catalogue.Seed, cancellationToken);
        return connectionString;
    }

    public static async Task<string> CreateReferenceAsync(LocalPostgres server, CancellationToken cancellationToken)
    {
        var connectionString = await CreateAsync(server, "reference", cancellationToken);
        await ExecuteAsync(connectionString, ReferenceOutbox, cancellationToken);
        return connectionString;
    }

    public static async Task ExecuteAsync(string connectionString, string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
