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
        var scope = new Scope(document);
        return fields.Aggregate(document, (result, field) => With(result, field.Path, field.Value(scope)));
    }

    /// <summary>The document with a path set, in every element where it runs through an array; a missing value removes the field. What is not on the path is shared.</summary>
    public static BsonDocument With(BsonDocument document, ReadOnlySpan<string> path, BsonValue? value)
    {
        var result = new BsonDocument { AllowDuplicateNames = true };
        result.AddRange(document.Elements);
        if (path.Length > 1)
            result[path[0]] = Within(document.GetValue(path[0], null), path[1..], value);
        else if (value is null)
            result.Remove(path[0]);
        else result[path[0]] = value;
        return result;
    }

    private static BsonValue Within(BsonValue? node, ReadOnlySpan<string> path, BsonValue? value)
    {
        if (node is not BsonArray array) return With(node as BsonDocument ?? [], path, value);
        var result = new BsonArray(array.Count);
        foreach (var element in array) result.Add(Within(element, path, value));
        return result;
    }

    private void Add(string[] prefix, BsonDocument document)
    {
        foreach (var element in document)
        {
            string[] path = [.. prefix, .. element.Name.Split('.')];
            if (path.Any(part => part.Length == 0 || part[0] == '$') || path.Length > FieldPath.MaxParts)
                throw MongoRefusal.Location(16410, $"FieldPath field names may not be empty or start with '$': {element.Name}");
            if (element.Value is BsonDocument { ElementCount: > 0 } nested && nested.GetElement(0).Name is not ['$', ..])
                Add(path, nested);
            else fields.Add((path, ExpressionParser.Parse(element.Value)));
        }
    }
}
