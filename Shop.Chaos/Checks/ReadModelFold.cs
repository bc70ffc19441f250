using System.Globalization;
using Shop.Contracts.Events;
using Shop.Contracts.Views;
using Shop.ServiceDefaults.Data;

namespace Shop.Chaos.Checks;

/// <summary>Everything that MongoDB says in the end, of the live generation.</summary>
internal sealed record ReadSide(
    IReadOnlyList<OrderDocument> Orders, IReadOnlyList<CustomerDocument> Customers, IReadOnlyList<ProductDocument> Products,
    IReadOnlyList<CustomerMonth> Months, IReadOnlyList<ProductDay> Days, IReadOnlyList<ProductSales> Sales, long Dirty);

/// <summary>(d) MongoDB equals the fold of PostgreSQL, names and summaries included. Folded here once more, from the events alone.</summary>
internal static class ReadModelFold
{
    private const string Rule = "MongoDB equals the fold of PostgreSQL";

    public static IEnumerable<Violation> Check(WriteSide write, ReadSide read)
    {
        var last = write.Outbox.GroupBy(row => row.Subject).Select(rows => rows.MaxBy(row => row.Version)!).ToList();
        var customers = last.Select(row => row.Customer).OfType<CustomerState>().ToDictionary(customer => customer.CustomerId);
        var products = last.Select(row => row.Product).OfType<ProductState>().ToDictionary(product => product.ProductId);
        var orders = last.Select(row => row.Order).OfType<OrderState>().ToList();
        return Compare("customer", customers.Values.ToDictionary(customer => customer.CustomerId, Text), read.Customers.ToDictionary(customer => customer.Id, customer => $"version {customer.Version}, name '{customer.Name}' of version {customer.NameVersion}"))
            .Concat(Compare("product", products.Values.ToDictionary(product => product.ProductId, Text), read.Products.ToDictionary(product => product.Id, product => Text(product.Version, product.Name, product.NameVersion, product.Price))))
            .Concat(Compare("order", orders.ToDictionary(order => order.OrderId, order => Text(order, customers, products)), read.Orders.ToDictionary(order => order.Id, Text)))
            .Concat(Summaries([.. orders.Where(order => order.Status != OrderStatus.Cancelled)], read));
    }

    private static IEnumerable<Violation> Summaries(IReadOnlyList<OrderState> orders, ReadSide read)
    {
        var months = orders.GroupBy(order => OrderSums.CustomerMonthId(order.CustomerId, OrderSums.MonthOf(order.OrderDate)))
            .ToDictionary(month => month.Key, month => Sum(month.Count(), month.Sum(order => order.TotalAmount)));
        // Months and days of which everything was cancelled may be there, with nothing in them.
        var storedMonths = read.Months.Where(month => month.Orders != 0).ToDictionary(month => month.Id, month => Sum(month.Orders, month.TotalSpent));
        var lines = orders.SelectMany(order => order.Items.Select(line => (Day: OrderSums.ProductDayId(line.ProductId, OrderSums.DayOf(order.OrderDate)), Line: line))).ToList();
        var days = lines.GroupBy(sold => sold.Day).ToDictionary(day => day.Key, day => Sum(day.Sum(sold => sold.Line.Quantity), day.Sum(sold => sold.Line.Quantity * sold.Line.Price)));
        var storedDays = read.Days.Where(day => day.UnitsSold != 0).ToDictionary(day => day.Id, day => Sum(day.UnitsSold, day.Revenue));
        var sales = lines.GroupBy(sold => sold.Line.ProductId).ToDictionary(product => product.Key, product => Sum(product.Sum(sold => sold.Line.Quantity), product.Sum(sold => sold.Line.Quantity * sold.Line.Price)));
        var storedSales = read.Sales.Where(product => product.UnitsSold != 0).ToDictionary(product => product.Id, product => Sum(product.UnitsSold, product.Revenue));
        return Compare("customer-month", months, storedMonths).Concat(Compare("product-day", days, storedDays)).Concat(Compare("product-sales", sales, storedSales))
            .Concat(read.Dirty == 0 ? [] : [new Violation('d', Rule, "", Violation.AtTheEnd, $"{read.Dirty} sums are still marked to be computed", [])]);
    }

    private static IEnumerable<Violation> Compare(string what, Dictionary<string, string> expected, Dictionary<string, string> stored)
    {
        foreach (var (id, should) in expected)
        {
            if (!stored.TryGetValue(id, out var found)) yield return Differs(id, $"is not there, should be {should}");
            else if (found != should) yield return Differs(id, $"is {found}, should be {should}");
        }

        foreach (var id in stored.Keys.Except(expected.Keys)) yield return Differs(id, "is there, and PostgreSQL does not have it");

        Violation Differs(string id, string difference) => new('d', Rule, $"{what}/{id}", Violation.AtTheEnd, $"{what} {id} {difference}", []);
    }

    private static string Text(CustomerState customer) => $"version {customer.Version}, name '{customer.Name}' of version {customer.NameVersion}";

    private static string Text(ProductState product) => Text(product.Version, product.Name, product.NameVersion, product.Price);

    private static string Text(int version, string name, int nameVersion, decimal price) =>
        string.Create(CultureInfo.InvariantCulture, $"version {version}, name '{name}' of version {nameVersion}, price {price:0.00}");

    // An order's own facts are the last event's; the names in it are the newest ones.
    private static string Text(OrderState order, Dictionary<string, CustomerState> customers, Dictionary<string, ProductState> products) => Text(
        order.Version, $"{order.Status} {order.PaidAt:O} {order.ShippedAt:O} {order.CancelledAt:O}", order.TotalAmount, order.OrderDate, customers[order.CustomerId].Name, customers[order.CustomerId].NameVersion,
        order.Items.Select(line => (line.ProductId, products[line.ProductId].Name, products[line.ProductId].NameVersion, line.Quantity, line.Price)));

    private static string Text(OrderDocument order) => Text(
        order.Version, $"{order.Status} {order.PaidAt:O} {order.ShippedAt:O} {order.CancelledAt:O}", order.TotalAmount, order.OrderDate, order.CustomerName, order.CustomerVersion,
        order.Items.Select(line => (line.ProductId, line.ProductName, line.ProductVersion, line.Quantity, line.Price)));

    private static string Text(
        int version, string status, decimal total, DateTimeOffset date, string customer, int customerVersion, IEnumerable<(string Id, string Name, int Version, int Quantity, decimal Price)> lines) =>
        string.Create(CultureInfo.InvariantCulture, $"version {version} {status} {total:0.00} of {date:O} for '{customer}' ({customerVersion}): ")
        + string.Join("; ", lines.Select(line => string.Create(CultureInfo.InvariantCulture, $"{line.Quantity} x {line.Id} '{line.Name}' ({line.Version}) at {line.Price:0.00}")));

    private static string Sum(long count, decimal amount) => string.Create(CultureInfo.InvariantCulture, $"{count} of {amount:0.00}");
}
