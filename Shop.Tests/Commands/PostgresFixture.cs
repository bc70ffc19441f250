using Npgsql;
using Shop.Local.Postgres;
using Shop.Tests.Commands;

[assembly: AssemblyFixture(typeof(PostgresFixture))]

namespace Shop.Tests.Commands;

/// <summary>One real PostgreSQL server for all tests of the write side that do no harm to it; each gets a database of its own.</summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private readonly SemaphoreSlim starting = new(1, 1);
    private LocalPostgres? server;
    private int databases;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>The connection string of a new, empty database. The server starts with the first one asked for.</summary>
    public async Task<string> CreateDatabaseAsync(CancellationToken cancellationToken)
    {
        await starting.WaitAsync(cancellationToken);
        try
        {
            server ??= await LocalPostgres.StartAsync(new LocalPostgresOptions(), cancellationToken);
        }
        finally
        {
            starting.Release();
        }

        return await server.CreateDatabaseAsync($"shop_{Interlocked.Increment(ref databases)}", cancellationToken);
    }

    /// <summary>The first column of the first row of a query.</summary>
    public static async Task<object?> ScalarAsync(string connectionString, string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (server is not null) await server.DisposeAsync();
        starting.Dispose();
    }
}
