using MongoDB.Bson;
using MongoDB.Bson.Serialization;
using MongoDB.Bson.Serialization.Conventions;
using MongoDB.Bson.Serialization.Serializers;
using Shop.Contracts.Views;

namespace Shop.ServiceDefaults.Data;

/// <summary>
/// How the read model's records are stored: camelCase names, money as Decimal128, instants as dates, absent instead of null, and
/// fields that a newer writer added are ignored.
/// </summary>
public static class ReadModelBson
{
    private static readonly Lazy<bool> registration = new(Map);

    /// <summary>May be called any number of times: the driver keeps one mapping per process.</summary>
    public static void Register() => _ = registration.Value;

    private static bool Map()
    {
        var pack = new ConventionPack
        {
            new CamelCaseElementNameConvention(),
            new IgnoreExtraElementsConvention(true),
            new IgnoreIfNullConvention(true),
            new StorageTypes(),
        };
        ConventionRegistry.Register("Shop read model", pack, type => type.Namespace == typeof(OrderDocument).Namespace);
        BsonSerializer.RegisterSerializer(
            new OrderDocumentSerializer(new BsonClassMapSerializer<OrderDocument>(BsonClassMap.LookupClassMap(typeof(OrderDocument)))));
        return true;
    }

    private sealed class StorageTypes : ConventionBase, IMemberMapConvention
    {
        private static readonly DateTimeOffsetSerializer instant = new(BsonType.DateTime);
        private static readonly NullableSerializer<DateTimeOffset> optionalInstant = new(instant);
        private static readonly DecimalSerializer money = new(BsonType.Decimal128);
        private static readonly GuidSerializer guid = new(GuidRepresentation.Standard);

        public void Apply(BsonMemberMap memberMap)
        {
            IBsonSerializer? serializer = memberMap.MemberType switch
            {
                var type when type == typeof(DateTimeOffset) => instant,
                var type when type == typeof(DateTimeOffset?) => optionalInstant,
                var type when type == typeof(decimal) => money,
                var type when type == typeof(Guid) => guid,
                _ => null,
            };
            if (serializer is not null) memberMap.SetSerializer(serializer);
        }
    }
}
