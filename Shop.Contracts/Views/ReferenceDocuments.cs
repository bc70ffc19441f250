namespace Shop.Contracts.Views;

/// <summary>The customer as the read model knows it, collection <c>customers</c>: the source of the name in every order document.</summary>
public sealed record CustomerDocument(string Id, int Version, string Name, int NameVersion, DateTimeOffset ProjectedAt)
{
    /// <summary>What a search finds it by; null in a document that was written before there were searches.</summary>
    public IReadOnlyList<string>? Search { get; init; }
}

/// <summary>The product as the read model knows it, collection <c>products</c>: the source of the name in every order line.</summary>
public sealed record ProductDocument(
    string Id, int Version, string Name, int NameVersion, decimal Price, bool Discontinued, DateTimeOffset ProjectedAt)
{
    /// <inheritdoc cref="CustomerDocument.Search"/>
    public IReadOnlyList<string>? Search { get; init; }
}
