namespace Shop.Local.Mongo.Aggregation;

/// <summary>Operators whose arguments are all evaluated first.</summary>
internal static class Operators
{
    public sealed record Operator(int Minimum, int Maximum, Func<BsonValue?[], BsonValue?> Apply);

    public static IReadOnlyDictionary<string, Operator> All { get; } = new Dictionary<string, Operator>(StringComparer.Ordinal)
    {
        ["$eq"] = Comparing(order => order == 0),
        ["$ne"] = Comparing(order => order != 0),
        ["$lt"] = Comparing(order => order < 0),
        ["$lte"] = Comparing(order => order <= 0),
        ["$gt"] = Comparing(order => order > 0),
        ["$gte"] = Comparing(order => order >= 0),
        ["$not"] = new(1, 1, values => !Values.IsTrue(values[0])),
        ["$add"] = new(0, int.MaxValue, values => Fold(values, "$add", 16554, 0, Values.Add)),
        ["$multiply"] = new(0, int.MaxValue, values => Fold(values, "$multiply", 16555, 1, Values.Multiply)),
        ["$subtract"] = new(2, 2, Subtract),
        ["$divide"] = new(2, 2, Divide),
        ["$type"] = new(1, 1, values => TypeOrder.Name(values[0])),
        ["$isArray"] = new(1, 1, values => values[0] is BsonArray),
        ["$size"] = new(1, 1, values => values[0] is BsonArray array ? array.Count
            : throw MongoRefusal.Location(17124, $"The argument to $size must be an array, but was of type: {TypeOrder.Name(values[0])}")),
        ["$in"] = new(2, 2, values => values[1] is BsonArray array ? array.Any(element => Order(values[0], element) == 0)
            : throw MongoRefusal.Location(40081, "$in requires an array as a second argument")),
        ["$arrayElemAt"] = new(2, 2, ElementAt),
        ["$mergeObjects"] = new(0, int.MaxValue, values => Merge(values.SelectMany(Spread))),
        ["$sum"] = new(0, int.MaxValue, values => Accumulate("$sum", values)),
        ["$avg"] = new(0, int.MaxValue, values => Accumulate("$avg", values)),
        ["$min"] = new(0, int.MaxValue, values => Accumulate("$min", values)),
        ["$max"] = new(0, int.MaxValue, values => Accumulate("$max", values))
    };

    public static BsonDocument Merge(IEnumerable<BsonValue?> values)
    {
        var merged = new BsonDocument();
        foreach (var value in values)
        {
            if (value is null or BsonNull) continue;
            if (value is not BsonDocument document)
                throw MongoRefusal.Location(40400, $"$mergeObjects requires object inputs, but input is of type {TypeOrder.Name(value)}");
            foreach (var element in document) merged[element.Name] = element.Value;
        }
        return merged;
    }

    /// <summary>A missing value is below null in expressions.</summary>
    private static int Order(BsonValue? left, BsonValue? right) => (left, right) switch
    {
        (null, null) => 0,
        (null, _) => -1,
        (_, null) => 1,
        _ => Values.Compare(left, right)
    };

    private static Operator Comparing(Func<int, bool> holds) => new(2, 2, values => holds(Order(values[0], values[1])));
    private static BsonValue Number(BsonValue value, string name, int code) =>
        TypeOrder.IsNumber(value) ? value : throw new MongoRefusal(14, "TypeMismatch", $"{name} only supports numeric types, not {TypeOrder.Name(value)} ({code})");

    private static BsonValue Fold(BsonValue?[] values, string name, int code, int start, Func<BsonValue, BsonValue, BsonValue> combine)
    {
        BsonValue result = start;
        BsonDateTime? date = null;
        foreach (var value in values)
        {
            if (value is null or BsonNull or BsonUndefined) return BsonNull.Value;
            if (value is BsonDateTime moment && name == "$add" && date is null)
                date = moment;
            else result = combine(result, Number(value, name, code));
        }
        return date is null ? result : new BsonDateTime(date.MillisecondsSinceEpoch + (long)Values.ToDouble(result));
    }

    private static BsonValue Subtract(BsonValue?[] values) => (values[0], values[1]) switch
    {
        (null or BsonNull, _) or (_, null or BsonNull) => BsonNull.Value,
        (BsonDateTime a, BsonDateTime b) => a.MillisecondsSinceEpoch - b.MillisecondsSinceEpoch,
        (BsonDateTime a, var b) => new BsonDateTime(a.MillisecondsSinceEpoch - (long)Values.ToDouble(Number(b!, "$subtract", 16556))),
        var (a, b) => Values.Subtract(Number(a!, "$subtract", 16556), Number(b!, "$subtract", 16556))
    };

    private static BsonValue Divide(BsonValue?[] values)
    {
        if (values[0] is null or BsonNull || values[1] is null or BsonNull) return BsonNull.Value;
        if (Values.Compare(Number(values[1]!, "$divide", 16609), 0) == 0) throw MongoRefusal.BadValue("can't $divide by zero");
        return Values.Divide(Number(values[0]!, "$divide", 16609), values[1]!);
    }

    private static BsonValue? ElementAt(BsonValue?[] values)
    {
        if (values[0] is null or BsonNull or BsonUndefined || values[1] is null or BsonNull) return BsonNull.Value;
        if (values[0] is not BsonArray array)
            throw MongoRefusal.Location(28689, $"$arrayElemAt's first argument must be an array, but is {TypeOrder.Name(values[0])}");
        var index = Values.ToInteger(values[1]!, "$arrayElemAt");
        if (index < 0) index += array.Count;
        return index >= 0 && index < array.Count ? array[(int)index] : null;
    }

    private static IEnumerable<BsonValue?> Spread(BsonValue? value) => value is BsonArray array ? array : [value];

    private static BsonValue Accumulate(string name, BsonValue?[] values)
    {
        var accumulator = Accumulator.Create(name);
        foreach (var value in values.Length == 1 ? Spread(values[0]) : values) accumulator.Add(value);
        return accumulator.Result;
    }
}
