using System.Globalization;
using Shop.Bench.Write;
using Shop.Local.Postgres;

namespace Shop.Bench.Relay;

/// <summary>A database with a full outbox: order events as the shop writes them, in four shards, none of them acknowledged.</summary>
internal static class RelayDatabase
{
    public static async Task<string> CreateAsync(LocalPostgres server, string name, int events, CancellationToken cancellationToken)
    {
        var connectionString = await WriteDatabase.CreateAsync(server, name, cancellationToken);
        var data = Convert.ToHexString(OneCommitPerOrder.Event(Catalogue.NextOrder()));
        await WriteDatabase.ExecuteAsync(connectionString, string.Create(CultureInfo.InvariantCulture, $"""
            insert into outbox (shard, position, event_id, type, subject, version, occurred_at, traceparent, data)
            select n % 4, n / 4 + 1, gen_random_uuid(), 'shop.order.placed.v1', 'order/' || n, 1, now(), null, '\x{data}' from generate_series(0, {events - 1}) n;
            """), cancellationToken);
        // Alone: not a statement of a transaction.
        await WriteDatabase.ExecuteAsync(connectionString, "vacuum analyze outbox", cancellationToken);
        return connectionString;
    }

    /// <summary>As if nothing had been published.</summary>
    public static Task ForgetAsync(string connectionString, CancellationToken cancellationToken) =>
        WriteDatabase.ExecuteAsync(connectionString, "update outbox_shard set acked = 0", cancellationToken);
}
