namespace Shop.Contracts.Events;

/// <summary>The CloudEvents <c>type</c> of every event.</summary>
public static class EventTypes
{
    public const string OrderPlaced = "shop.order.placed.v1";
    public const string OrderPaid = "shop.order.paid.v1";
    public const string OrderShipped = "shop.order.shipped.v1";
    public const string OrderCancelled = "shop.order.cancelled.v1";
    public const string CustomerRegistered = "shop.customer.registered.v1";
    public const string CustomerRenamed = "shop.customer.renamed.v1";
    public const string ProductAdded = "shop.product.added.v1";
    public const string ProductRenamed = "shop.product.renamed.v1";
    public const string ProductRepriced = "shop.product.repriced.v1";
    public const string ProductDiscontinued = "shop.product.discontinued.v1";

    /// <summary>Every type starts with one of these; what follows says what happened, which no consumer needs in order to apply it.</summary>
    public const string OrderPrefix = "shop.order.";
    public const string CustomerPrefix = "shop.customer.";
    public const string ProductPrefix = "shop.product.";

    /// <summary>
    /// Ends every type whose body has the shape of this library's states; another shape gets another ending. Fields may be added within a
    /// version: whatever an old reader would misunderstand needs a new one.
    /// </summary>
    public const string Version = ".v1";
}
