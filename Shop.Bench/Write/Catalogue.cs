using System.Globalization;
using Shop.Contracts.Commands;

namespace Shop.Bench.Write;

/// <summary>
/// The customers and products of every database measured, and the orders placed in it: two lines each, ids that grow as a shop's do. Ids are
/// digits so that pgbench can pass them as they are.
/// </summary>
internal static class Catalogue
{
    public const int Customers = 10_000;
    public const int Products = 1_000;
    public const int FirstCustomer = 100_000;
    public const int FirstProduct = 10_000;
    public const decimal Price = 10.50m;

    private static long lastOrder = 1_000_000_000_000_000;

    /// <summary>Fills an empty, migrated database.</summary>
    public static string Seed { get; } = string.Create(CultureInfo.InvariantCulture, $"""
        insert into customers (customer_id, name, version, name_version, created_hash)
        select ({FirstCustomer} + n)::text, 'Customer ' || n, 1, 1, decode(repeat('00', 32), 'hex') from generate_series(0, {Customers - 1}) n;
        insert into products (product_id, name, price, discontinued, version, name_version, created_hash)
        select ({FirstProduct} + n)::text, 'Product ' || n, {Price}, false, 1, 1, decode(repeat('00', 32), 'hex') from generate_series(0, {Products - 1}) n;
        analyze;
        """);

    /// <summary>Adds orders as if they had been placed long ago, with their lines, log entries and published events.</summary>
    public static string OldOrders(int count) => string.Create(CultureInfo.InvariantCulture, $"""
        insert into orders (order_id, customer_id, order_date, total_amount, status, version, created_hash)
        select (900000000000000 + n)::text, ({FirstCustomer} + n % {Customers})::text, '2023-10-27', 21.00, 'Pending', 1, decode(repeat('00', 32), 'hex') from generate_series(1, {count}) n;
        insert into order_items (order_id, line_no, product_id, quantity, price)
        select (900000000000000 + n)::text, line, ({FirstProduct} + (n * line) % {Products})::text, 1, {Price} from generate_series(1, {count}) n cross join generate_series(1, 2) line;
        insert into command_log (command_id, payload_hash, result, at)
        select (900000000000000 + n)::text, decode(repeat('00', 32), 'hex'), '{"{\"kind\":\"Order\",\"id\":\"1\",\"version\":1,\"created\":true}"}', now() from generate_series(1, {count}) n;
        """);

    /// <summary>The same for very many: whether what they refer to exists is looked up once, and not for each.</summary>
    public static string VeryManyOldOrders(int count) => $"""
        alter table orders drop constraint orders_customer_id_fkey;
        alter table order_items drop constraint order_items_order_id_fkey, drop constraint order_items_product_id_fkey;
        {OldOrders(count)}
        alter table orders add constraint orders_customer_id_fkey foreign key (customer_id) references customers;
        alter table order_items add constraint order_items_order_id_fkey foreign key (order_id) references orders, add constraint order_items_product_id_fkey foreign key (product_id) references products;
        """;

    /// <summary>A new order; with a command id, so that the command log is written too.</summary>
    public static PlaceOrder NextOrder()
    {
        var id = Interlocked.Increment(ref lastOrder).ToString(CultureInfo.InvariantCulture);
        var (customer, first, second) = Draw();
        return new PlaceOrder(id, customer, [new(first, 1, Price), new(second, 1, Price)]) { CommandId = id };
    }

    public static (string Customer, string First, string Second) Draw() => (
        (FirstCustomer + Random.Shared.Next(Customers)).ToString(CultureInfo.InvariantCulture),
        (FirstProduct + Random.Shared.Next(Products / 2)).ToString(CultureInfo.InvariantCulture),
        (FirstProduct + (Products / 2) + Random.Shared.Next(Products / 2)).ToString(CultureInfo.InvariantCulture));
}
