using Shop.Local.Mongo.Queries;

namespace Shop.Local.Mongo.Updates;

/// <summary>The update operators on arrays.</summary>
internal static class ArrayModifiers
{
    private static readonly HashSet<string> PushClauses = ["$each", "$position", "$slice", "$sort"];

    public static Func<BsonValue?, BsonValue?> Parse(string name, string path, BsonValue argument) => name switch
    {
        "$push" => Push(path, argument),
        "$addToSet" => AddToSet(path, argument),
        _ => Pull(path, argument)
    };

    private static Func<BsonValue?, BsonValue?> Push(string path, BsonValue argument)
    {
        var clauses = argument is BsonDocument document && document.Contains("$each") ? document : new BsonDocument("$each", new BsonArray { argument });
        if (clauses.Names.FirstOrDefault(clause => !PushClauses.Contains(clause)) is { } unknown)
            throw MongoRefusal.BadValue($"Unrecognized clause in $push: {unknown}");
        var each = Each(clauses, "$push");
        var position = clauses.TryGetValue("$position", out var at) ? Values.ToInteger(at, "$position") : (long?)null;
        var slice = clauses.TryGetValue("$slice", out var kept) ? Values.ToInteger(kept, "$slice") : (long?)null;
        var sort = clauses.TryGetValue("$sort", out var order) ? Sorter(order) : null;
        return value =>
        {
            var array = Existing(value, path, "$push");
            var index = (int)Math.Clamp(position is { } wanted ? wanted < 0 ? array.Count + wanted : wanted : array.Count, 0, array.Count);
            foreach (var element in each) array.Insert(index++, element);
            IEnumerable<BsonValue> result = sort is null ? array : sort(array);
            if (slice is { } count)
                result = count >= 0 ? result.Take((int)Math.Min(count, int.MaxValue)) : result.TakeLast((int)Math.Min(-count, int.MaxValue));
            return new BsonArray(result);
        };
    }

    private static Func<BsonArray, IEnumerable<BsonValue>> Sorter(BsonValue order)
    {
        if (order is BsonDocument fields)
        {
            var sort = SortOrder.Parse(RawValue.Of(fields)) ?? throw MongoRefusal.BadValue("The $sort pattern is empty when it should be a set of fields.");
            return array => sort.Apply(array, element => RawValue.Of(element as BsonDocument ?? []));
        }
        var descending = Values.ToInteger(order, "$sort") is (1 or -1) and var direction ? direction < 0 : throw MongoRefusal.BadValue("The $sort element value must be either 1 or -1");
        var byValue = Comparer<BsonValue>.Create(Values.Compare);
        return array => descending ? array.OrderDescending(byValue) : array.Order(byValue);
    }

    private static Func<BsonValue?, BsonValue?> AddToSet(string path, BsonValue argument)
    {
        var isList = argument is BsonDocument { ElementCount: > 0 } document && document.GetElement(0).Name == "$each";
        BsonArray added = isList ? Each(argument.AsBsonDocument, "$addToSet") : [argument];
        return value =>
        {
            var array = Existing(value, path, "$addToSet");
            var known = new HashSet<byte[]>(array.Select(KeyWriter.Of), ByteKeys.Instance);
            foreach (var element in added) if (known.Add(KeyWriter.Of(element))) array.Add(element);
            return array;
        };
    }

    private static Func<BsonValue?, BsonValue?> Pull(string path, BsonValue argument)
    {
        Func<BsonValue, bool> goes;
        var query = RawValue.Of(argument);
        if (query.IsDocument && !FilterParser.IsOperators(query))
        {
            var filter = FilterParser.Parse(query);
            goes = element => element is BsonDocument document && filter.Matches(RawValue.Of(document));
        }
        else
        {
            var condition = FilterParser.ParseCondition(query);
            goes = element => condition.Accepts(RawValue.Of(element));
        }
        return value => value is null ? null : new BsonArray(Existing(value, path, "$pull").Where(element => !goes(element)));
    }

    private static BsonArray Each(BsonDocument clauses, string name) => clauses["$each"] as BsonArray
        ?? throw new MongoRefusal(name == "$push" ? 2 : 14, name == "$push" ? "BadValue" : "TypeMismatch", $"The argument to $each in {name} must be an array");

    private static BsonArray Existing(BsonValue? value, string path, string name) => value switch
    {
        null => [],
        BsonArray array => array,
        _ => throw MongoRefusal.BadValue($"The field '{path}' must be an array but is of type {TypeOrder.Name(value)}: {name}")
    };
}
