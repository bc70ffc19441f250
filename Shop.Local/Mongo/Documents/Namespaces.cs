namespace Shop.Local.Mongo.Documents;

/// <summary>Names of databases and collections; MongoDB's limits, in bytes of a name.</summary>
internal static class Namespaces
{
    private static readonly System.Buffers.SearchValues<char> Forbidden = System.Buffers.SearchValues.Create("/\\. \"$*<>:|?\0");

    public static void Check(string name)
    {
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        var collection = dot < 0 ? "" : name[(dot + 1)..];
        if (dot is <= 0 or > 63 || name.AsSpan(0, dot).ContainsAny(Forbidden)) throw Invalid(name);
        if (collection.Length is 0 or > 255 - 64 || collection.Contains('$', StringComparison.Ordinal) || collection.Contains('\0', StringComparison.Ordinal)
            || collection.StartsWith('.') || collection.StartsWith("system.", StringComparison.Ordinal))
            throw Invalid(name);
    }

    private static MongoRefusal Invalid(string name) => new(73, "InvalidNamespace", $"Invalid namespace specified '{name}'");
}
