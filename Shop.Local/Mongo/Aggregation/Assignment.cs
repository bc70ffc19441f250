namespace Shop.Local.Mongo.Aggregation;

/// <summary>The computed fields of <c>$set</c> / <c>$addFields</c>. An object that is no expression merges into what is there, field by field.</summary>
internal sealed class Assignment
{
    private readonly List<(string[] Path, Expression Value)> fields = [];

    public static Assignment Parse(BsonValue specification, string stage)
    {
        if (specification is not BsonDocument { ElementCount: > 0 } document)
            throw MongoRefusal.Location(40272, $"{stage} specification stage must be an object with at least one field");
        var assignment = new Assignment();
        assignment.Add([], document);
        return assignment;
    }

    public BsonDocument Apply(BsonDocument document)
    {
        var result = Bson.Mutable(document);
        var scope = new Scope(document);
        foreach (var (path, expression) in fields) Set(result, path, expression(scope));
        return result;
    }

    /// <summary>Sets a path, in every element where it runs through an array; a missing value removes the field.</summary>
    public static void Set(BsonDocument document, ReadOnlySpan<string> path, BsonValue? value)
    {
        if (path.Length == 1)
        {
            if (value is null)
                document.Remove(path[0]);
            else document[path[0]] = Bson.Copy(value);
            return;
        }
        document.TryGetValue(path[0], out var child);
        document[path[0]] = Within(child, path[1..], value);
    }

    private static BsonValue Within(BsonValue? node, ReadOnlySpan<string> path, BsonValue? value)
    {
        if (node is BsonArray array)
        {
            for (var i = 0; i < array.Count; i++) array[i] = Within(array[i], path, value);
            return array;
        }
        var document = node as BsonDocument ?? [];
        Set(document, path, value);
        return document;
    }

    private void Add(string[] prefix, BsonDocument document)
    {
        foreach (var element in document)
        {
            string[] path = [.. prefix, .. DocumentPath.Split(element.Name)];
            if (path.Any(part => part.Length == 0 || part[0] == '$') || path.Length > DocumentPath.MaxParts)
                throw MongoRefusal.Location(16410, $"FieldPath field names may not be empty or start with '$': {element.Name}");
            if (element.Value is BsonDocument { ElementCount: > 0 } nested && nested.GetElement(0).Name is not ['$', ..])
                Add(path, nested);
            else fields.Add((path, ExpressionParser.Parse(element.Value)));
        }
    }
}
