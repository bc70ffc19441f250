using System.Globalization;
using CsCheck;
using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Local.Mongo.Documents;

namespace Shop.Tests.Local.Mongo;

/// <summary>Random documents and requests against a model that has neither bytes nor indexes.</summary>
public sealed class PropertyTests(StoreFixture store) : IClassFixture<StoreFixture>
{
    private static readonly Gen<BsonValue> Scalar = Gen.OneOf(
        Gen.Int[-3, 3].Select(value => (BsonValue)value),
        Gen.Int[-3, 3].Select(value => (BsonValue)(long)value),
        Gen.Int[-6, 6].Select(value => (BsonValue)(value / 2.0)),
        Gen.Int[-6, 6].Select(value => (BsonValue)new BsonDecimal128(value / 2m)),
        Gen.OneOf("", "a", "A", "b", "ä", "a\0", "\uFFFF", "\U0001F600").Select(value => (BsonValue)value),
        Gen.OneOf<BsonValue>(BsonNull.Value, true, false));

    private static readonly Gen<BsonValue> Value = Gen.Frequency((5, Scalar), (1, Scalar.Array[0, 3].Select(values => (BsonValue)new BsonArray(values))));
    private static readonly Gen<string> Field = Gen.OneOf("a", "b", "c");

    /// <summary>Only one field holds arrays: no index takes two of them (error 171).</summary>
    private static readonly Gen<(string Field, BsonValue Value)> Element = Gen.Select(Field, Value, (field, value) => (field, field == "b" || value is not BsonArray ? value : BsonNull.Value));

    private static readonly Gen<BsonDocument> Document = Element.Array[0, 3]
        .Select(fields => new BsonDocument(fields.DistinctBy(field => field.Field).Select(field => new BsonElement(field.Field, field.Value))));

    private static readonly Gen<BsonDocument> Condition = Gen.Select(Field, Gen.OneOf("$eq", "$ne", "$lt", "$lte", "$gt", "$gte", "$in", "$nin", "$exists"), Scalar, Scalar)
        .Select((field, name, value, other) => new BsonDocument(field, new BsonDocument(name, name is "$in" or "$nin" ? new BsonArray { value, other } : name == "$exists" ? value == true : value)));

    private static readonly Gen<BsonDocument> Query = Gen.Select(Gen.OneOf("", "$and", "$or", "$nor"), Condition.Array[1, 3])
        .Select((name, parts) => name.Length == 0 ? parts[0] : new BsonDocument(name, new BsonArray(parts)));

    [Fact]
    public void Find_agrees_with_the_model_with_and_without_indexes() =>
        Gen.Select(Document.Array[1, 25], Query.Array[1, 6], Gen.OneOf("", "{a: 1}", "{b: -1, a: 1}", "{a: -1, c: 1, b: 1}")).Sample((documents, queries, index) =>
        {
            var collection = store.NewCollection();
            var numbered = documents.Select((document, number) => new BsonDocument("_id", number).AddRange(document.Elements)).ToList();
            if (index.Length > 0)
                collection.Indexes.CreateOne(new CreateIndexModel<BsonDocument>(index));
            collection.InsertMany(numbered);
            foreach (var query in queries)
            {
                var expected = numbered.Where(document => Model.Matches(document, query)).Select(document => document["_id"].AsInt32);
                var found = collection.Find(query).ToList().Select(document => document["_id"].AsInt32).Order();
                Assert.Equal(expected, found);
                var sorted = collection.Find(query).Sort("{a: 1, _id: -1}").ToList();
                var byModel = numbered.Where(document => Model.Matches(document, query)).Order(Model.By("a")).Select(document => document["_id"]);
                Assert.Equal(byModel, sorted.Select(document => document["_id"]));
            }
            collection.Database.DropCollection(collection.CollectionNamespace.CollectionName);
        }, iter: 400, threads: 2);

    [Fact]
    public void Update_agrees_with_the_model_and_indexes_follow() =>
        Gen.Select(Document.Array[1, 12], Gen.Select(Gen.OneOf("$set", "$unset", "$min", "$max"), Element, Query, (name, element, query) => (name, element.Field, element.Value, query)).Array[1, 6]).Sample((documents, updates) =>
        {
            var collection = store.NewCollection();
            collection.Indexes.CreateOne(new CreateIndexModel<BsonDocument>("{a: 1, b: -1}"));
            var model = documents.Select((document, number) => new BsonDocument("_id", number).AddRange(document.Elements)).ToList();
            collection.InsertMany(model.Select(document => document.DeepClone().AsBsonDocument));
            foreach (var (name, field, value, query) in updates)
            {
                var result = collection.UpdateMany(query, new BsonDocument(name, new BsonDocument(field, value)));
                var hit = model.Where(document => Model.Matches(document, query)).ToList();
                Assert.Equal(hit.Count, result.MatchedCount);
                foreach (var document in hit)
                    Model.Update(document, name, field, value);
                Assert.Equal(model, collection.Find("{}").Sort("{_id: 1}").ToList());
                Assert.Equal(model.Count(document => Model.Matches(document, query)), collection.CountDocuments(query));
            }
            collection.Database.DropCollection(collection.CollectionNamespace.CollectionName);
        }, iter: 400, threads: 2);

    [Fact]
    public void Keys_order_numbers_of_all_types_exactly() =>
        Gen.Select(Number, Number).Sample((left, right) =>
            Math.Sign(KeyWriter.Of(left).AsSpan().SequenceCompareTo(KeyWriter.Of(right))) == Math.Sign(Exact(left).CompareTo(Exact(right))), iter: 20_000);

    [Fact]
    public void Decimal128_sums_and_products_are_exact() =>
        Gen.Select(Gen.Long[-1_000_000_000_000, 1_000_000_000_000], Gen.Int[0, 6], Gen.Long[-1_000_000_000_000, 1_000_000_000_000], Gen.Int[0, 6]).Sample((a, scaleA, b, scaleB) =>
        {
            decimal[] tens = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];
            var (left, right) = (a / tens[scaleA], b / tens[scaleB]);
            Assert.Equal(left + right, (decimal)DecimalMath.Add(new Decimal128(left), new Decimal128(right)));
            Assert.Equal(left * right, (decimal)DecimalMath.Multiply(new Decimal128(left), new Decimal128(right)));
        }, iter: 5_000);

    private static readonly Gen<BsonValue> Number = Gen.OneOf(
        Gen.Int.Select(value => (BsonValue)value),
        Gen.Long.Select(value => (BsonValue)value),
        Gen.Double[-1e10, 1e10].Select(value => (BsonValue)value),
        Gen.Int[-50, 50].Select(value => (BsonValue)(value / 10.0)),
        Gen.Int[-50, 50].Select(value => (BsonValue)new BsonDecimal128(value / 10m)),
        Gen.Decimal[-1e10m, 1e10m].Select(value => (BsonValue)new BsonDecimal128(value)));

    /// <summary>As a fraction over 10^60, which holds every double of the generator's size exactly enough to tell neighbours apart.</summary>
    private static System.Numerics.BigInteger Exact(BsonValue value)
    {
        var scale = System.Numerics.BigInteger.Pow(10, 1100);
        if (value is not BsonDouble real)
        {
            var text = value.ToString()!;
            if (value is BsonDecimal128 number)
                text = ((decimal)number.Value).ToString(CultureInfo.InvariantCulture);
            var point = text.IndexOf('.', StringComparison.Ordinal);
            var decimals = point < 0 ? 0 : text.Length - point - 1;
            return System.Numerics.BigInteger.Parse(text.Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) * scale / System.Numerics.BigInteger.Pow(10, decimals);
        }
        var bits = BitConverter.DoubleToInt64Bits(real.Value);
        var exponent = (int)(bits >> 52 & 0x7FF);
        System.Numerics.BigInteger mantissa = (bits & 0xFFFFFFFFFFFFF) | (exponent == 0 ? 0 : 1L << 52);
        var shift = Math.Max(exponent, 1) - 1075;
        var result = shift >= 0 ? (mantissa << shift) * scale : mantissa * scale >> -shift;
        return real.Value < 0 ? -result : result;
    }
}
