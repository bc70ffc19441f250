using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Shop.Contracts.Events;

namespace Shop.Projector.Projection;

/// <summary>From a message's body to the state it carries. What happened (the middle of the type) is never looked at.</summary>
public static class EventDecoder
{
    /// <summary>Whether this build can read the body of such an event, a new kind of event with a known body included.</summary>
    public static bool Knows(string type)
    {
        ArgumentNullException.ThrowIfNull(type);
        return type.EndsWith(EventTypes.Version, StringComparison.Ordinal)
            && (type.StartsWith(EventTypes.OrderPrefix, StringComparison.Ordinal) || type.StartsWith(EventTypes.CustomerPrefix, StringComparison.Ordinal)
                || type.StartsWith(EventTypes.ProductPrefix, StringComparison.Ordinal));
    }

    /// <summary>One of the two is null.</summary>
    public static (ApplicableEvent? Event, Poison? Poison) Decode(int index, IncomingEvent message)
    {
        if (message.FormatError is { } error) return (null, new(PoisonReason.Malformed, error));
        if (!Knows(message.Type))
        {
            // A newer version of a body might be readable and mean something else: applied wrongly it would keep out what is right.
            return (null, new(PoisonReason.UnknownType, $"This projector does not know events of the type '{message.Type}'; one that does will replay it."));
        }

        try
        {
            if (message.Type.StartsWith(EventTypes.OrderPrefix, StringComparison.Ordinal)) return Order(index, Read(message, EventJson.Default.OrderState));
            if (message.Type.StartsWith(EventTypes.CustomerPrefix, StringComparison.Ordinal)) return Customer(index, Read(message, EventJson.Default.CustomerState));
            return Product(index, Read(message, EventJson.Default.ProductState));
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
