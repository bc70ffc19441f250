using System.Globalization;
using MongoDB.Bson;
using Shop.Local.Mongo.Documents;

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
        ["$cmp"] = new(2, 2, values => Math.Sign(Order(values[0], values[1]))),
        ["$not"] = new(1, 1, values => !Values.IsTrue(values[0])),
        ["$add"] = new(0, int.MaxValue, values => Fold(values, "$add", 16554, 0, Values.Add)),
        ["$multiply"] = new(0, int.MaxValue, values => Fold(values, "$multiply", 16555, 1, Values.Multiply)),
        ["$subtract"] = new(2, 2, Subtract),
        ["$divide"] = new(2, 2, Divide),
        ["$mod"] = new(2, 2, Modulo),
        ["$abs"] = new(1, 1, values => values[0] is null or BsonNull ? BsonNull.Value : Values.Compare(Number(values[0]!, "$abs", 28765), 0) < 0 ? Values.Subtract(0, values[0]!) : values[0]),
        ["$concat"] = new(0, int.MaxValue, Concat),
        ["$toLower"] = new(1, 1, values => Text(values[0]).ToLowerInvariant()),
        ["$toUpper"] = new(1, 1, values => Text(values[0]).ToUpperInvariant()),
        ["$toString"] = new(1, 1, values => values[0] is null or BsonNull ? BsonNull.Value : (BsonValue)Text(values[0])),
        ["$type"] = new(1, 1, values => TypeOrder.Name(values[0])),
        ["$isArray"] = new(1, 1, values => values[0] is BsonArray),
        ["$size"] = new(1, 1, values => values[0] is BsonArray array ? array.Count : throw MongoRefusal.Location(17124, $"The argument to $size must be an array, but was of type: {TypeOrder.Name(values[0])}")),
        ["$in"] = new(2, 2, values => values[1] is BsonArray array ? array.Any(element => Order(values[0], element) == 0) : throw MongoRefusal.Location(40081, "$in requires an array as a second argument")),
        ["$arrayElemAt"] = new(2, 2, ElementAt),
        ["$first"] = new(1, 1, values => ElementAt([values[0], 0])),
        ["$last"] = new(1, 1, values => ElementAt([values[0], -1])),
        ["$concatArrays"] = new(0, int.MaxValue, ConcatArrays),
        ["$mergeObjects"] = new(0, int.MaxValue, values => Merge(values.SelectMany(Spread))),
        ["$sum"] = new(0, int.MaxValue, values => Accumulate("$sum", values)),
        ["$avg"] = new(0, int.MaxValue, values => Accumulate("$avg", values)),
        ["$min"] = new(0, int.MaxValue, values => Accumulate("$min", values)),
        ["$max"] = new(0, int.MaxValue, values => Accumulate("$max", values)),
        ["$year"] = Date(date => date.Year),
        ["$month"] = Date(date => date.Month),
        ["$dayOfMonth"] = Date(date => date.Day)
    };

    public static BsonDocument Merge(IEnumerable<BsonValue?> values)
    {
        var merged = new BsonDocument();
        foreach (var value in values)
        {
            if (value is null or BsonNull)
                continue;
            if (value is not BsonDocument document)
                throw MongoRefusal.Location(40400, $"$mergeObjects requires object inputs, but input is of type {TypeOrder.Name(value)}");
            foreach (var element in document)
                merged[element.Name] = element.Value;
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
            if (value is null or BsonNull or BsonUndefined)
                return BsonNull.Value;
            if (value is BsonDateTime moment && name == "$add" && date is null)
                date = moment;
            else
                result = combine(result, Number(value, name, code));
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
        if (values[0] is null or BsonNull || values[1] is null or BsonNull)
            return BsonNull.Value;
        if (Values.Compare(Number(values[1]!, "$divide", 16609), 0) == 0)
            throw MongoRefusal.BadValue("can't $divide by zero");
        return Values.Divide(Number(values[0]!, "$divide", 16609), values[1]!);
    }

    private static BsonValue Modulo(BsonValue?[] values)
    {
        if (values[0] is null or BsonNull || values[1] is null or BsonNull)
            return BsonNull.Value;
        var (left, right) = (Number(values[0]!, "$mod", 16611), Number(values[1]!, "$mod", 16611));
        if (Values.Compare(right, 0) == 0)
            throw MongoRefusal.Location(16610, "can't $mod by zero");
        if (left is BsonDecimal128 || right is BsonDecimal128)
            throw MongoRefusal.NotSupported("$mod of Decimal128 is not supported");
        if (left is BsonDouble || right is BsonDouble)
            return Values.ToDouble(left) % Values.ToDouble(right);
        var rest = right.ToInt64() == -1 ? 0 : left.ToInt64() % right.ToInt64();
        return left is BsonInt32 && right is BsonInt32 ? (BsonValue)(int)rest : rest;
    }

    private static BsonValue Concat(BsonValue?[] values)
    {
        if (values.Any(value => value is null or BsonNull or BsonUndefined))
            return BsonNull.Value;
        return string.Concat(values.Select(value => value is BsonString text ? text.Value : throw MongoRefusal.Location(16702, $"$concat only supports strings, not {TypeOrder.Name(value)}")));
    }

    private static string Text(BsonValue? value) => value switch
    {
        null or BsonNull or BsonUndefined => "",
        BsonString text => text.Value,
        BsonInt32 or BsonInt64 or BsonDecimal128 or BsonObjectId => value.ToString()!,
        BsonDouble real => real.Value.ToString("R", CultureInfo.InvariantCulture),
        BsonBoolean boolean => boolean.Value ? "true" : "false",
        BsonDateTime date => date.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
        _ => throw new MongoRefusal(241, "ConversionFailure", $"Unsupported conversion from {TypeOrder.Name(value)} to string")
    };

    private static BsonValue? ElementAt(BsonValue?[] values)
    {
        if (values[0] is null or BsonNull or BsonUndefined || values[1] is null or BsonNull)
            return BsonNull.Value;
        if (values[0] is not BsonArray array)
            throw MongoRefusal.Location(28689, $"$arrayElemAt's first argument must be an array, but is {TypeOrder.Name(values[0])}");
        var index = Values.ToInteger(values[1]!, "$arrayElemAt");
        if (index < 0)
            index += array.Count;
        return index >= 0 && index < array.Count ? array[(int)index] : null;
    }

    private static BsonValue ConcatArrays(BsonValue?[] values)
    {
        if (values.Any(value => value is null or BsonNull or BsonUndefined))
            return BsonNull.Value;
        return new BsonArray(values.SelectMany(value => value as BsonArray ?? throw MongoRefusal.Location(28664, $"$concatArrays only supports arrays, not {TypeOrder.Name(value)}")));
    }

    private static IEnumerable<BsonValue?> Spread(BsonValue? value) => value is BsonArray array ? array : [value];

    private static BsonValue Accumulate(string name, BsonValue?[] values)
    {
        var accumulator = Accumulator.Create(name);
        foreach (var value in values.Length == 1 ? Spread(values[0]) : values)
            accumulator.Add(value);
        return accumulator.Result;
    }

    private static Operator Date(Func<DateTime, int> part) => new(1, 1, values => values[0] switch
    {
        null or BsonNull => BsonNull.Value,
        BsonDateTime { IsValidDateTime: true } date => part(date.ToUniversalTime()),
        _ => throw MongoRefusal.Location(16006, $"can't convert from BSON type {TypeOrder.Name(values[0])} to Date")
    });
}
