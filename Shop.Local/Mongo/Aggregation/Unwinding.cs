namespace Shop.Local.Mongo.Aggregation;

/// <summary>The <c>$unwind</c> stage.</summary>
internal static class Unwinding
{
    private static readonly HashSet<string> Options = ["path", "preserveNullAndEmptyArrays"];

    public static Stage Parse(BsonValue specification)
    {
        var document = specification as BsonDocument ?? new BsonDocument("path", specification);
        if (document.Names.FirstOrDefault(name => !Options.Contains(name)) is { } unknown)
            throw MongoRefusal.Location(28811, $"unrecognized option to $unwind stage: {unknown}");
        if (!document.TryGetValue("path", out var value) || value is not BsonString { Value: ['$', _, ..] } path)
            throw MongoRefusal.Location(28818, "path option to $unwind stage should be prefixed with a '$'");
        var parts = path.Value[1..].Split('.');
        var preserve = Values.IsTrue(document.GetValue("preserveNullAndEmptyArrays", BsonNull.Value));
        return input => input.SelectMany(row => Unwind(row, parts, preserve));
    }

    private static IEnumerable<BsonDocument> Unwind(BsonDocument document, string[] path, bool preserve)
    {
        var value = DocumentsOnly(document, path);
        if (value is BsonArray { Count: > 0 } array)
        {
            foreach (var element in array) yield return With(document, path, element);
        }
        else if (value is not (null or BsonNull or BsonUndefined or BsonArray) || preserve)
            yield return With(document, path, value is BsonArray ? null : value);
    }

    /// <summary>Arrays on the way are not run through.</summary>
    private static BsonValue? DocumentsOnly(BsonValue? value, ReadOnlySpan<string> path) =>
        path.IsEmpty ? value : value is BsonDocument document && document.TryGetValue(path[0], out var child) ? DocumentsOnly(child, path[1..]) : null;

    private static BsonDocument With(BsonDocument document, string[] path, BsonValue? value) =>
        value is null && DocumentsOnly(document, path) is null ? document : Assignment.With(document, path, value);
}
