namespace Shop.Local.Mongo.Aggregation;

/// <summary>The <c>$group</c> stage.</summary>
internal static class Grouping
{
    public static Stage Parse(BsonValue specification)
    {
        if (specification is not BsonDocument document)
            throw MongoRefusal.Location(15947, "a group's fields must be specified in an object");
        if (!document.TryGetValue("_id", out var idValue)) throw MongoRefusal.Location(15955, "a group specification must include an _id");
        var id = ExpressionParser.Parse(idValue);
        var fields = document.Where(element => element.Name != "_id").Select(Field).ToArray();
        return input => Run(input, id, fields);
    }

    private static (string Name, string Operator, Expression Value) Field(BsonElement element)
    {
        if (element.Value is not BsonDocument { ElementCount: 1 } document)
            throw MongoRefusal.Location(40234, $"The field '{element.Name}' must be an accumulator object");
        if (element.Name.Contains('.', StringComparison.Ordinal))
            throw MongoRefusal.Location(40235, $"The field name '{element.Name}' cannot contain '.'");
        var accumulator = document.GetElement(0);
        Accumulator.Create(accumulator.Name);
        return (element.Name, accumulator.Name, accumulator.Name == "$count" ? _ => 1 : ExpressionParser.Parse(accumulator.Value));
    }

    private static IEnumerable<BsonDocument> Run(IEnumerable<BsonDocument> input, Expression id, (string Name, string Operator, Expression Value)[] fields)
    {
        var groups = new Dictionary<byte[], (BsonValue Id, Accumulator[] Accumulators)>(ByteKeys.Instance);
        foreach (var document in input)
        {
            var scope = new Scope(document);
            var value = id(scope) ?? BsonNull.Value;
            var key = KeyWriter.Of(value);
            if (!groups.TryGetValue(key, out var group))
                groups[key] = group = (value, [.. fields.Select(field => Accumulator.Create(field.Operator))]);
            for (var i = 0; i < fields.Length; i++) group.Accumulators[i].Add(fields[i].Value(scope));
        }
        foreach (var (value, accumulators) in groups.Values)
        {
            var result = new BsonDocument("_id", value);
            for (var i = 0; i < fields.Length; i++) result[fields[i].Name] = accumulators[i].Result;
            yield return result;
        }
    }
}
