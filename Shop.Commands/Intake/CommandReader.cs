using System.Text.Json;
using Shop.Commands.Customers;
using Shop.Commands.Orders;
using Shop.Commands.Products;
using Shop.Contracts.Commands;

namespace Shop.Commands.Intake;

/// <summary>Turns JSON into a command, or into everything that is wrong with it.</summary>
internal static class CommandReader
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 8 };

    /// <summary>Reads one command. Exactly one of the two results is not null.</summary>
    public static (Command? Command, FieldErrors? Errors) Read(ReadOnlyMemory<byte> json)
    {
        var errors = new FieldErrors();
        try
        {
            using var document = JsonDocument.Parse(json, Options);
            var command = Read(document.RootElement, errors);
            return errors.Any ? (null, errors) : (command, null);
        }
        catch (JsonException exception)
        {
            errors.Add("$", $"is not valid JSON (line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1})");
            return (null, errors);
        }
        catch (InvalidOperationException)
        {
            // System.Text.Json's answer to a string with an unpaired surrogate.
            errors.Add("$", "contains text that is not valid Unicode");
            return (null, errors);
        }
    }

    private static Command? Read(JsonElement root, FieldErrors errors)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            errors.Add("$", "must be a JSON object");
            return null;
        }

        var fields = new CommandFields(root, "", errors);
        Command? command = fields.Discriminator() switch
        {
            nameof(RegisterCustomer) => RegisterCustomerDecision.Read(fields),
            nameof(RenameCustomer) => RenameCustomerDecision.Read(fields),
            nameof(AddProduct) => AddProductDecision.Read(fields),
            nameof(RenameProduct) => RenameProductDecision.Read(fields),
            nameof(RepriceProduct) => RepriceProductDecision.Read(fields),
            nameof(DiscontinueProduct) => DiscontinueProductDecision.Read(fields),
            nameof(PlaceOrder) => PlaceOrderDecision.Read(fields),
            nameof(PayOrder) => PayOrderDecision.Read(fields),
            nameof(ShipOrder) => ShipOrderDecision.Read(fields),
            nameof(CancelOrder) => CancelOrderDecision.Read(fields),
            { } unknown => Unknown(fields, unknown),
            _ => null,
        };
        if (command is null) return null;
        command = command with { CommandId = fields.OptionalIdentifier("commandId"), Timestamp = fields.OptionalTimestamp("timestamp") };
        fields.RejectUnknown();
        return command;
    }

    private static Command? Unknown(CommandFields fields, string type)
    {
        fields.Error("type", $"'{(type.Length > 40 ? type[..40] : type)}' is not a command; commands are {string.Join(", ", CommandTypes)}");
        return null;
    }

    private static readonly string[] CommandTypes =
    [
        nameof(RegisterCustomer),
        nameof(RenameCustomer),
        nameof(AddProduct),
        nameof(RenameProduct),
        nameof(RepriceProduct),
        nameof(DiscontinueProduct),
        nameof(PlaceOrder),
        nameof(PayOrder),
        nameof(ShipOrder),
        nameof(CancelOrder),
    ];
}
