using System.Globalization;

namespace Shop.Commands.Deciding;

/// <summary>Every refusal, in one place: their names are part of the API and listed in docs/errors.md.</summary>
internal static class Refusals
{
    public static Refusal CommandIdReused(string commandId) => new(409, "command-id-reused", "The command id was used for another command",
        $"Command {commandId} was done with other content; a new command needs an id of its own.");

    public static Refusal IdTaken(AggregateId target) => new(409, "id-taken", "The id is taken",
        $"{Noun(target.Kind)} {target.Id} exists with other content.");

    public static Refusal StaleVersion(AggregateId target, int? current) => new(412, "stale-version", "If-Match is not the current version",
        current is { } version ? $"{Noun(target.Kind)} {target.Id} is at version {version}." : $"{Noun(target.Kind)} {target.Id} does not exist.",
        current is { } known ? Facts(("currentVersion", known)) : null);

    public static Refusal UnknownCustomer(string customerId) => Rule("unknown-customer", "The customer is not registered",
        $"There is no customer {customerId}.", ("customerId", customerId));

    public static Refusal UnknownProduct(string productId) => Rule("unknown-product", "The product is not in the catalogue",
        $"There is no product {productId}.", ("productId", productId));

    public static Refusal ProductDiscontinued(string productId) => Rule("product-discontinued", "The product is discontinued",
        $"Product {productId} can no longer be ordered.", ("productId", productId));

    public static Refusal PriceChanged(string productId, decimal given, decimal current) => Rule("price-changed", "The price is not the catalogue's",
        string.Create(CultureInfo.InvariantCulture, $"Product {productId} costs {current:0.00}, not {given:0.00}."),
        ("productId", productId), ("currentPrice", current));

    public static Refusal UnknownOrder(string orderId) => Rule("unknown-order", "The order does not exist",
        $"There is no order {orderId}.", ("orderId", orderId));

    public static Refusal WrongStatus(string orderId, string status, string needed) => Rule("wrong-status", "The order's status does not allow this",
        $"Order {orderId} is {status}; it must be {needed}.", ("currentStatus", status));

    public static Refusal TotalTooLarge(string orderId) => Rule("total-too-large", "The order's total is too large",
        $"The total of order {orderId} exceeds 999999999999.99.");

    public static Refusal EventTooLarge(AggregateId target, int bytes, int limit) => Rule("event-too-large", "The command's event is too large",
        $"The event of {Noun(target.Kind).ToLowerInvariant()} {target.Id} would have {bytes} bytes, more than {limit}.");

    private static Refusal Rule(string rule, string title, string detail, params (string, object)[] facts) =>
        new(422, rule, title, detail, facts.Length == 0 ? null : Facts(facts));

    private static Dictionary<string, object> Facts(params (string Name, object Value)[] facts) =>
        facts.ToDictionary(fact => fact.Name, fact => fact.Value);

    private static string Noun(AggregateKind kind) => kind switch
    {
        AggregateKind.Customer => "Customer",
        AggregateKind.Product => "Product",
        _ => "Order",
    };
}
