using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Shop.Contracts.Views;
using Shop.Queries.Http;
using Shop.ServiceDefaults;

namespace Shop.Bench.Read;

/// <summary>
/// What the query service is compared with, as a process of its own with the same service defaults: an endpoint that does nothing, and one
/// that builds the same answer by joining the write side's tables. Started as <c>Shop.Bench reference-queries</c>.
/// </summary>
internal static class ReferenceQueries
{
    public const string Verb = "reference-queries";

    private const string Join = """
        select o.version, o.customer_id, c.name, c.name_version, o.order_date, o.total_amount, o.status, o.paid_at, o.shipped_at, o.cancelled_at,
               i.product_id, p.name, p.name_version, i.quantity, i.price
        from orders o join customers c on c.customer_id = o.customer_id
        join order_items i on i.order_id = o.order_id join products p on p.product_id = i.product_id
        where o.order_id = $1 order by i.line_no
        """;

    public static async Task RunAsync(string[] args, CancellationToken cancellationToken)
    {
        var builder = ServiceDefaults.ServiceDefaults.CreateBuilder(args);
        builder.AddServiceDefaults();
        await using var dataSource = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(builder.Configuration.GetConnectionString("shopdb"))
        {
            MaxPoolSize = HttpReaders.Connections, MinPoolSize = HttpReaders.Connections, MaxAutoPrepare = 10, AutoPrepareMinUsages = 2,
        });
        await using var app = builder.Build();
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.MapDefaultEndpoints();
        app.MapGet("/nothing/{id}", (string id) => TypedResults.Ok());
        app.MapGet("/orders/{id}", async Task<IResult> (string id, HttpContext context) =>
            await FindAsync(dataSource, id, context.RequestAborted) is { } order ? JsonAnswer.Of(order, ViewJson.Default.OrderDocument) : TypedResults.NotFound());
        await app.StartAsync(cancellationToken);
        await app.WaitForShutdownAsync(cancellationToken);
    }

    private static async Task<OrderDocument?> FindAsync(NpgsqlDataSource dataSource, string id, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Join);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        OrderDocument? order = null;
        List<OrderDocumentLine> lines = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            order ??= new(id, reader.GetInt32(0), reader.GetString(1), reader.GetString(2), reader.GetInt32(3), reader.GetFieldValue<DateTimeOffset>(4),
                reader.GetDecimal(5), reader.GetString(6), Time(reader, 7), Time(reader, 8), Time(reader, 9), lines);
            lines.Add(new(reader.GetString(10), reader.GetString(11), reader.GetInt32(12), reader.GetInt32(13), reader.GetDecimal(14)));
        }

        return order;
    }

    private static DateTimeOffset? Time(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetFieldValue<DateTimeOffset>(column);
}
