using System.Text.Json.Serialization;

namespace Shop.Contracts.Commands;

/// <summary>
/// An intent sent to <c>POST /commands</c>, told apart by the JSON property <c>type</c>. Identifiers are 1-64 characters of
/// <c>A-Z a-z 0-9 . _ : -</c>, names 1-200 characters.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(RegisterCustomer), nameof(RegisterCustomer))]
[JsonDerivedType(typeof(RenameCustomer), nameof(RenameCustomer))]
[JsonDerivedType(typeof(AddProduct), nameof(AddProduct))]
[JsonDerivedType(typeof(RenameProduct), nameof(RenameProduct))]
[JsonDerivedType(typeof(RepriceProduct), nameof(RepriceProduct))]
[JsonDerivedType(typeof(DiscontinueProduct), nameof(DiscontinueProduct))]
[JsonDerivedType(typeof(PlaceOrder), nameof(PlaceOrder))]
[JsonDerivedType(typeof(PayOrder), nameof(PayOrder))]
[JsonDerivedType(typeof(ShipOrder), nameof(ShipOrder))]
[JsonDerivedType(typeof(CancelOrder), nameof(CancelOrder))]
public abstract record Command
{
    /// <summary>Makes a retry recognisable: the same id with the same content has one effect and one answer.</summary>
    public string? CommandId { get; init; }

    /// <summary>Business time, cut to milliseconds; the server's clock when absent.</summary>
    public DateTimeOffset? Timestamp { get; init; }
}
