using System.Text.Json;
using Npgsql;
using Shop.Contracts.Commands;
using Shop.Contracts.Events;

namespace Shop.Bench.Write;

/// <summary>
/// What a careful service does without groups: order, lines and event in one <see cref="NpgsqlBatch"/>, one round trip and one commit per
/// order, prepared statements. It checks no rule but the database's own, and keeps no command log.
/// </summary>
internal sealed class OneCommitPerOrder(string connectionString) : IAsyncDisposable
{
    public const int Connections = 32;

    private readonly NpgsqlDataSource dataSource = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString)
    {
        MinPoolSize = Connections, MaxPoolSize = Connections, MaxAutoPrepare = 30, AutoPrepareMinUsages = 2, NoResetOnClose = true, Enlist = false,
    });

    public async Task PlaceAsync(PlaceOrder order, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection);
        Add(batch, "insert into orders (order_id, customer_id, order_date, total_amount, status, version, created_hash) values ($1, $2, $3, $4, 'Pending', 1, $5)",
            Value(order.OrderId), Value(order.CustomerId), Value(TimeProvider.System.GetUtcNow()), Value(21.00m), Value(hash));
        Add(batch, "insert into order_items (order_id, line_no, product_id, quantity, price) values ($1, 1, $2, 1, $3), ($1, 2, $4, 1, $5)",
            Value(order.OrderId), Value(order.Items[0].ProductId), Value(order.Items[0].Price), Value(order.Items[1].ProductId), Value(order.Items[1].Price));
        Add(batch, "insert into reference_outbox (event_id, type, subject, version, occurred_at, data) values ($1, $2, $3, 1, $4, $5)",
            Value(Guid.CreateVersion7()), Value(EventTypes.OrderPlaced), Value(order.OrderId), Value(TimeProvider.System.GetUtcNow()), Value(Event(order)));
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>The event's body, with everything that the shop's has.</summary>
    public static byte[] Event(PlaceOrder order) => JsonSerializer.SerializeToUtf8Bytes(
        new OrderState(order.OrderId, 1, order.CustomerId, "Customer 1234", 1, TimeProvider.System.GetUtcNow(), 21.00m, OrderStatus.Pending,
            [.. order.Items.Select(line => new OrderStateLine(line.ProductId, "Product 123", 1, line.Quantity, line.Price))]),
        EventJson.Default.OrderState);

    public ValueTask DisposeAsync() => dataSource.DisposeAsync();

    private static readonly byte[] hash = new byte[32];

    private static NpgsqlParameter<T> Value<T>(T value) => new() { TypedValue = value };

    private static void Add(NpgsqlBatch batch, string statement, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = new NpgsqlBatchCommand(statement);
        foreach (var parameter in parameters) command.Parameters.Add(parameter);
        batch.BatchCommands.Add(command);
    }
}
