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
/// Which buckets a batch of events has touched, collection <c>dirty_vN</c>: they no longer equal the orders they sum. Written after the
/// orders and before the events are settled, never changed, and deleted by whoever has summed all of it anew. A later batch that touches
/// the same buckets leaves a mark of its own, so deleting this one cannot take that one away.
/// </summary>
/// <param name="Id">A value never used before; they ascend with time.</param>
/// <param name="Months">Customers whose month has changed.</param>
/// <param name="Days">Products whose day has changed.</param>
public sealed record DirtyMark(Guid Id, IReadOnlyList<DirtyPeriod> Months, IReadOnlyList<DirtyPeriod> Days);

/// <param name="From">First instant of the month or day, UTC.</param>
/// <param name="Keys">Identifiers of the customers or products, each once.</param>
public sealed record DirtyPeriod(DateTimeOffset From, IReadOnlyList<string> Keys);

/// <summary>Which generations of a read model exist, collection <c>read_models</c>.</summary>
/// <param name="Id">The read model: <c>orders</c>.</param>
/// <param name="Live">The generation that queries read.</param>
/// <param name="Writing">The generations that projectors write.</param>
/// <param name="Schema">The document schema a projector must know to write all of them.</param>
public sealed record ReadModelState(string Id, int Live, IReadOnlyList<int> Writing, int Schema);
