using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Shop.Contracts.Events;

namespace Shop.Projector.Projection;

/// <summary>From a message's body to the state it carries. What happened (the rest of the type) is never looked at.</summary>
public static class EventDecoder
{
    /// <summary>One of the two is null.</summary>
    public static (ApplicableEvent? Event, Poison? Poison) Decode(int index, IncomingEvent message)
    {
        if (message.FormatError is { } error) return (null, new(PoisonReason.Malformed, error));
        try
        {
            if (message.Type.StartsWith(EventTypes.OrderPrefix, StringComparison.Ordinal)) return Order(index, Read(message, EventJson.Default.OrderState));
            if (message.Type.StartsWith(EventTypes.CustomerPrefix, StringComparison.Ordinal)) return Customer(index, Read(message, EventJson.Default.CustomerState));
            if (message.Type.StartsWith(EventTypes.ProductPrefix, StringComparison.Ordinal)) return Product(index, Read(message, EventJson.Default.ProductState));
            return (null, new(PoisonReason.UnknownType, $"No read model knows events of the type '{message.Type}'."));
        }
        catch (JsonException exception)
        {
            // The path says where; the exception's own message may quote the body.
            return (null, new(PoisonReason.MalformedBody, $"The body is not what '{message.Type}' carries, at {exception.Path ?? "$"}."));
        }
    }

    private static T Read<T>(IncomingEvent message, JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(message.Data.Span, type) ?? throw new JsonException("The body is null.");

    private static (ApplicableEvent?, Poison?) Order(int index, OrderState state)
    {
        var impossible = Impossible(state.OrderId, state.Version) ?? Impossible(state.CustomerId, state.CustomerVersion)
            ?? (state.Items.Any(line => line is null) ? "a line is null" : null)
            ?? state.Items.Select(line => Impossible(line.ProductId, line.ProductVersion)).FirstOrDefault(found => found is not null)
            ?? (HasLoneSurrogate(state.CustomerName) || state.Items.Any(line => HasLoneSurrogate(line.ProductName)) ? "a name is not valid Unicode" : null)
            ?? (state.Status is OrderStatus.Pending or OrderStatus.Paid or OrderStatus.Shipped or OrderStatus.Cancelled ? null : "no such status");
        return Verdict(index, new(AggregateKind.Order, state.OrderId), state.Version, state, impossible);
    }

    private static (ApplicableEvent?, Poison?) Customer(int index, CustomerState state) =>
        Verdict(index, new(AggregateKind.Customer, state.CustomerId), state.Version, state,
            Impossible(state.CustomerId, state.Version) ?? Name(state.Name, state.NameVersion, state.Version));

    private static (ApplicableEvent?, Poison?) Product(int index, ProductState state) =>
        Verdict(index, new(AggregateKind.Product, state.ProductId), state.Version, state,
            Impossible(state.ProductId, state.Version) ?? Name(state.Name, state.NameVersion, state.Version));

    private static (ApplicableEvent?, Poison?) Verdict(int index, Aggregate aggregate, int version, object state, string? impossible) =>
        impossible is null
            ? (new(index, aggregate, version, state), null)
            : (null, new(PoisonReason.ImpossibleState, $"The state cannot be: {impossible}."));

    private static string? Impossible(string id, int version) =>
        id.Length is 0 or > 64 || HasLoneSurrogate(id) ? "an identifier has no or more than 64 characters" : version < 1 ? "a version is below 1" : null;

    private static string? Name(string name, int nameVersion, int version) =>
        HasLoneSurrogate(name) ? "a name is not valid Unicode"
        : nameVersion < 1 || nameVersion > version ? "the name's version is not between 1 and the version"
        : null;

    // Half a character can be written in JSON but not in BSON.
    private static bool HasLoneSurrogate(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1])) return true;
            i++;
        }

        return false;
    }
}
