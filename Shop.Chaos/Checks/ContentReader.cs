using System.Data;
using System.Text.Json;
using MongoDB.Driver;
using Npgsql;
using Shop.Contracts.Events;
using Shop.ServiceDefaults.Data;

namespace Shop.Chaos.Checks;

/// <summary>Reads both databases whole, past every proxy.</summary>
internal static class ContentReader
{
    public static async Task<WriteSide> ReadWriteSideAsync(string connectionString, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(cancellationToken);
        // One moment, whatever is still being committed.
        await using var moment = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        var outbox = await ListAsync(connection, "select shard, position, event_id, type, subject, version, data from outbox order by shard, position", Row, cancellationToken);
        var states = await ListAsync(connection, """
            select 'order/' || order_id, version, status, null from orders
            union all select 'customer/' || customer_id, version, null, name from customers
            union all select 'product/' || product_id, version, null, name from products
            """, reader => new StateRow(reader.GetString(0), reader.GetInt32(1), Text(reader, 2), Text(reader, 3)), cancellationToken);
        var log = await ListAsync(connection, "select command_id, lower(result ->> 'kind') || '/' || (result ->> 'id'), (result ->> 'version')::int from command_log",
            reader => (Id: reader.GetString(0), Subject: reader.GetString(1), Version: reader.GetInt32(2)), cancellationToken);
        var acked = await ListAsync(connection, "select shard, acked from outbox_shard", reader => (Shard: (int)reader.GetInt16(0), Acked: reader.GetInt64(1)), cancellationToken);
        var parked = await ListAsync(connection, "select event_id from outbox_parked", reader => reader.GetGuid(0), cancellationToken);
        return new(outbox, states, log.ToDictionary(row => row.Id, row => (row.Subject, row.Version)), acked.ToDictionary(row => row.Shard, row => row.Acked), parked);
    }

    /// <summary>Events that the broker has not accepted yet, as far as the outbox knows.</summary>
    public static async Task<long> ReadBacklogAsync(string connectionString, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand("select coalesce(sum((select coalesce(max(o.position), 0) from outbox o where o.shard = s.shard) - s.acked), 0)::bigint from outbox_shard s", connection);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    public static async Task<ReadSide> ReadReadSideAsync(IMongoClient client, CancellationToken cancellationToken)
    {
        var models = new ReadModels(client.GetDatabase("shop"));
        var live = models.Generation((await models.FindStateAsync(cancellationToken))?.Live ?? 1);
        return new(
            await AllAsync(live.Orders), await AllAsync(models.Customers), await AllAsync(models.Products),
            await AllAsync(live.CustomerMonths), await AllAsync(live.ProductDays), await AllAsync(live.ProductSales),
            await live.Dirty.CountDocumentsAsync(FilterDefinition<Contracts.Views.DirtyMark>.Empty, cancellationToken: cancellationToken));

        Task<List<T>> AllAsync<T>(IMongoCollection<T> collection) => collection.Find(FilterDefinition<T>.Empty).ToListAsync(cancellationToken);
    }

    private static async Task<List<T>> ListAsync<T>(NpgsqlConnection connection, string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<T> rows = [];
        while (await reader.ReadAsync(cancellationToken)) rows.Add(read(reader));
        return rows;
    }

    private static OutboxRow Row(NpgsqlDataReader reader)
    {
        var (type, data) = (reader.GetString(3), reader.GetFieldValue<byte[]>(6));
        return new(reader.GetInt16(0), reader.GetInt64(1), reader.GetGuid(2), type, reader.GetString(4), reader.GetInt32(5),
            type.StartsWith(EventTypes.OrderPrefix, StringComparison.Ordinal) ? JsonSerializer.Deserialize(data, EventJson.Default.OrderState) : null,
            type.StartsWith(EventTypes.CustomerPrefix, StringComparison.Ordinal) ? JsonSerializer.Deserialize(data, EventJson.Default.CustomerState) : null,
            type.StartsWith(EventTypes.ProductPrefix, StringComparison.Ordinal) ? JsonSerializer.Deserialize(data, EventJson.Default.ProductState) : null);
    }

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
}
