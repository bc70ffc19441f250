namespace Shop.Contracts.Views;

/// <summary>What one customer ordered in one calendar month (UTC), collection <c>customer_months_vN</c>. Cancelled orders do not count.</summary>
/// <param name="Id">Customer, a slash, and the month as <c>2023-10</c>.</param>
/// <param name="CustomerId">The customer.</param>
/// <param name="Orders">How many orders.</param>
/// <param name="TotalSpent">The exact sum of their totals.</param>
/// <param name="LastOrder">Business time of the newest one.</param>
/// <param name="Rev">A value never used before, new with every recomputation: what compare-and-set compares.</param>
public sealed record CustomerMonth(string Id, string CustomerId, long Orders, decimal TotalSpent, DateTimeOffset? LastOrder, Guid Rev);

/// <summary>How one product sold on one day (UTC), collection <c>product_days_vN</c>. Cancelled orders do not count.</summary>
/// <param name="Id">Product, a slash, and the day as <c>2023-10-27</c>.</param>
/// <param name="ProductId">The product.</param>
/// <param name="UnitsSold">Sum of the quantities.</param>
/// <param name="Revenue">Exact sum of quantity x price.</param>
/// <param name="Rev">A value never used before, new with every recomputation: what compare-and-set compares.</param>
public sealed record ProductDay(string Id, string ProductId, long UnitsSold, decimal Revenue, Guid Rev);

/// <summary>How one product sold in all: the sum of its days, collection <c>product_sales_vN</c>.</summary>
public sealed record ProductSales(string Id, long UnitsSold, decimal Revenue, Guid Rev);

/// <summary>
/// A bucket that no longer equals the orders it sums, collection <c>dirty_vN</c>; it is deleted once the bucket was recomputed and
/// nobody marked it again meanwhile.
/// </summary>
/// <param name="Id">Kind, a slash, and the bucket's identifier.</param>
/// <param name="Kind">One of <see cref="DirtyKind"/>.</param>
/// <param name="BucketId">The bucket's identifier in its own collection.</param>
/// <param name="Key">The customer or product.</param>
/// <param name="From">First instant of the period; absent for a product's total.</param>
/// <param name="Rev">
/// A value never used before, new with every mark. A counter would start again after a deletion, and a late deletion could then
/// take a newer mark for the one it has seen.
/// </param>
public sealed record DirtyBucket(string Id, string Kind, string BucketId, string Key, DateTimeOffset? From, Guid Rev);

public static class DirtyKind
{
    public const string CustomerMonth = "customer-month";
    public const string ProductDay = "product-day";
    public const string Product = "product";
}

/// <summary>Which generations of a read model exist, collection <c>read_models</c>.</summary>
/// <param name="Id">The read model: <c>orders</c>.</param>
/// <param name="Live">The generation that queries read.</param>
/// <param name="Writing">The generations that projectors write.</param>
/// <param name="Schema">The document schema a projector must know to write all of them.</param>
public sealed record ReadModelState(string Id, int Live, IReadOnlyList<int> Writing, int Schema);
