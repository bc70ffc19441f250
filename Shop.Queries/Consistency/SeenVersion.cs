using System.Globalization;
using Shop.Queries.Http;

namespace Shop.Queries.Consistency;

internal enum SeenKind
{
    /// <summary>Not said: whichever aggregate has that identifier and version.</summary>
    Any,
    Order,
    Customer,
    Product,
}

/// <summary>
/// What a caller has seen: <c>seen={id}:{version}</c>. Orders, customers and products may share an identifier; <c>order/</c>,
/// <c>customer/</c> or <c>product/</c> before it says which is meant.
/// </summary>
internal sealed record SeenVersion(SeenKind Kind, string Id, int Version)
{
    public const int Max = 10;
    private const string Name = "seen";

    /// <param name="parameters">The request's; errors are added to it.</param>
    /// <param name="own">What the route is about: its identifier without a prefix means this kind.</param>
    /// <param name="ownId">The route's identifier.</param>
    public static IReadOnlyList<SeenVersion> Read(QueryParameters parameters, SeenKind own, string ownId)
    {
        List<SeenVersion> seen = [];
        foreach (var text in parameters.All(Name))
        {
            if (TryParse(text, own, ownId) is { } parsed) seen.Add(parsed);
            else parameters.Errors[Name] = ["Give an identifier, a colon and a version, such as ORD12345:1 or order/ORD12345:1."];
        }

        if (seen.Count > Max) parameters.Errors[Name] = [$"Give at most {Max}."];
        return seen;
    }

    public override string ToString() => Kind == SeenKind.Any
        ? FormattableString.Invariant($"{Id}:{Version}")
        : FormattableString.Invariant($"{Kind.ToString().ToLowerInvariant()}/{Id}:{Version}");

    private static SeenVersion? TryParse(string text, SeenKind own, string ownId)
    {
        // An identifier may contain colons, so the version is behind the last one.
        var colon = text.LastIndexOf(':');
        if (colon < 1 || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var version) || version < 1) return null;
        var (kind, id) = text[..colon].Split('/', 2) switch
        {
            ["order", var rest] => (SeenKind.Order, rest),
            ["customer", var rest] => (SeenKind.Customer, rest),
            ["product", var rest] => (SeenKind.Product, rest),
            [var rest] => (rest == ownId ? own : SeenKind.Any, rest),
            _ => (SeenKind.Any, ""),
        };
        return QueryParameters.IsId(id) ? new(kind, id, version) : null;
    }
}
