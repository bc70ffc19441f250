using Npgsql;
using Shop.Contracts.Administration;
using Shop.Contracts.Events;
using static Shop.Commands.Database.Sql;

namespace Shop.Commands.Snapshot;

/// <summary>Which aggregates to read: those after an identifier, or exactly these.</summary>
internal sealed record SnapshotRange(string After, int Limit, string[]? Ids);

/// <summary>Reads states by primary key, each page in transactions of one statement.</summary>
internal static class SnapshotReader
{
    public static async Task<SnapshotTotals> CountAsync(NpgsqlDataSource dataSource, CancellationToken cancellationToken)
    {
        // Counting a large table takes too long for what it is good for: from a million on the planner's estimate does.
        await using var command = dataSource.CreateCommand("""
            select greatest((select count(*) from (select 1 from customers limit 1000000) c), (select reltuples::bigint from pg_class where oid = 'customers'::regclass)),
                   greatest((select count(*) from (select 1 from products limit 1000000) p), (select reltuples::bigint from pg_class where oid = 'products'::regclass)),
                   greatest((select count(*) from (select 1 from orders limit 1000000) o), (select reltuples::bigint from pg_class where oid = 'orders'::regclass))
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new(reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2));
    }

    public static Task<List<CustomerState>> CustomersAsync(NpgsqlDataSource dataSource, SnapshotRange range, CancellationToken cancellationToken) =>
        ReadAsync(dataSource, "select customer_id, name, version, name_version from customers", "customer_id", range,
            reader => new CustomerState(reader.GetString(0), reader.GetString(1), reader.GetInt32(2), reader.GetInt32(3)), cancellationToken);

    public static Task<List<ProductState>> ProductsAsync(NpgsqlDataSource dataSource, SnapshotRange range, CancellationToken cancellationToken) =>
        ReadAsync(dataSource, "select product_id, name, price, discontinued, version, name_version from products", "product_id", range,
            reader => new ProductState(
                reader.GetString(0), reader.GetString(1), reader.GetDecimal(2), reader.GetBoolean(3), reader.GetInt32(4), reader.GetInt32(5)), cancellationToken);

    public static async Task<List<OrderState>> OrdersAsync(NpgsqlDataSource dataSource, SnapshotRange range, CancellationToken cancellationToken)
    {
        var orders = await ReadAsync(dataSource, """
            select o.order_id, o.version, o.customer_id, c.name, c.name_version, o.order_date, o.total_amount, o.status, o.paid_at, o.shipped_at, o.cancelled_at
            from orders o join customers c on c.customer_id = o.customer_id
            """, "o.order_id", range, Order, cancellationToken);
        // An order's lines never change, so they may come from a later transaction.
        await using var command = dataSource.CreateCommand("""
            select i.order_id, i.product_id, p.name, p.name_version, i.quantity, i.price
            from order_items i join products p on p.product_id = i.product_id
            where i.order_id = any($1) order by i.order_id, i.line_no
            """);
        command.Parameters.Add(Texts(orders.Select(order => order.OrderId)));
        var lines = orders.ToDictionary(order => order.OrderId, _ => new List<OrderStateLine>(), StringComparer.Ordinal);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            lines[reader.GetString(0)].Add(new(reader.GetString(1), reader.GetString(2), reader.GetInt32(3), reader.GetInt32(4), reader.GetDecimal(5)));
        return [.. orders.Select(order => order with { Items = lines[order.OrderId] })];
    }

    private static OrderState Order(NpgsqlDataReader reader) => new(
        reader.GetString(0), reader.GetInt32(1), reader.GetString(2), reader.GetString(3), reader.GetInt32(4),
        reader.GetFieldValue<DateTimeOffset>(5), reader.GetDecimal(6), reader.GetString(7), Items: [], Time(reader, 8), Time(reader, 9), Time(reader, 10));

    private static async Task<List<T>> ReadAsync<T>(
        NpgsqlDataSource dataSource, string select, string key, SnapshotRange range, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(range.Ids is null
            ? $"{select} where {key} > $1 order by {key} limit $2"
            : $"{select} where {key} = any($1) order by {key}");
        if (range.Ids is null)
        {
            command.Parameters.Add(Value(range.After));
            command.Parameters.Add(Value(range.Limit));
        }
        else
        {
            command.Parameters.Add(Texts(range.Ids));
        }

        List<T> states = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken)) states.Add(read(reader));
        return states;
    }

    private static DateTimeOffset? Time(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetFieldValue<DateTimeOffset>(column);
}
