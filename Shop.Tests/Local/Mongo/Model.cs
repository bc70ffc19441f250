using System.Text;
using MongoDB.Bson;

namespace Shop.Tests.Local.Mongo;

/// <summary>MongoDB's rules for flat documents of numbers, strings, booleans, nulls and arrays of these, written down plainly.</summary>
internal static class Model
{
    public static bool Matches(BsonDocument document, BsonDocument query)
    {
        var (name, value) = (query.GetElement(0).Name, query.GetElement(0).Value);
        return name switch
        {
            "$and" => value.AsBsonArray.All(part => Matches(document, part.AsBsonDocument)),
            "$or" => value.AsBsonArray.Any(part => Matches(document, part.AsBsonDocument)),
            "$nor" => !value.AsBsonArray.Any(part => Matches(document, part.AsBsonDocument)),
            _ => Holds(document.GetValue(name, null), value.AsBsonDocument.GetElement(0).Name, value.AsBsonDocument.GetElement(0).Value)
        };
    }

    public static Comparer<BsonDocument> By(string field) => Comparer<BsonDocument>.Create((left, right) =>
        Compare(SortKey(left.GetValue(field, BsonNull.Value)), SortKey(right.GetValue(field, BsonNull.Value))) is not 0 and var order ? order : right["_id"].AsInt32.CompareTo(left["_id"].AsInt32));

    public static void Update(BsonDocument document, string name, string field, BsonValue value)
    {
        var old = document.GetValue(field, null);
        if (name == "$unset")
            document.Remove(field);
        else if (name == "$set" || old is null || name == "$min" && Compare(value, old) < 0 || name == "$max" && Compare(value, old) > 0)
            document[field] = value;
    }

    private static BsonValue SortKey(BsonValue value) => value is not BsonArray array ? value
        : array.Count == 0 ? BsonUndefined.Value : array.Order(Comparer<BsonValue>.Create(Compare)).First();

    private static bool Holds(BsonValue? value, string name, BsonValue operand) => name switch
    {
        "$exists" => value is not null == operand.AsBoolean,
        "$ne" => !Holds(value, "$eq", operand),
        "$in" => operand.AsBsonArray.Any(one => Holds(value, "$eq", one)),
        "$nin" => !Holds(value, "$in", operand),
        _ => Candidates(value).Any(candidate => Rank(candidate) == Rank(operand) && Compare(candidate, operand) is var order && name switch
        {
            "$eq" => order == 0,
            "$lt" => order < 0,
            "$lte" => order <= 0,
            "$gt" => order > 0,
            _ => order >= 0
        })
    };

    private static IEnumerable<BsonValue> Candidates(BsonValue? value) => value switch
    {
        null => [BsonNull.Value],
        BsonArray array => array.Append(array),
        _ => [value]
    };

    private static int Rank(BsonValue value) => value.BsonType switch
    {
        BsonType.Undefined => 0,
        BsonType.Null => 1,
        BsonType.String => 3,
        BsonType.Array => 4,
        BsonType.Boolean => 5,
        _ => 2
    };

    private static int Compare(BsonValue left, BsonValue right)
    {
        if (Rank(left) != Rank(right))
            return Rank(left).CompareTo(Rank(right));
        return left switch
        {
            BsonString text => Encoding.UTF8.GetBytes(text.Value).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(right.AsString)),
            BsonBoolean boolean => boolean.Value.CompareTo(right.AsBoolean),
            BsonArray array => array.Zip(right.AsBsonArray, Compare).FirstOrDefault(order => order != 0, array.Count.CompareTo(right.AsBsonArray.Count)),
            BsonNull or BsonUndefined => 0,
            _ => left.ToDecimal().CompareTo(right.ToDecimal())
        };
    }
}
