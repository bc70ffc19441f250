using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using Shop.Contracts.Commands;

namespace Shop.Commands.Http;

/// <summary>One example per command for the OpenAPI document.</summary>
internal static class CommandExamples
{
    private static readonly Command[] Examples =
    [
        new RegisterCustomer("CUST987", "Alice Smith"),
        new RenameCustomer("CUST987", "Alice Jones"),
        new AddProduct("PROD001", "Widget", 10.50m),
        new RenameProduct("PROD001", "Widget 2"),
        new RepriceProduct("PROD001", 11.00m),
        new DiscontinueProduct("PROD001"),
        new PlaceOrder("ORD12345", "CUST987", [new("PROD001", 2, 10.50m), new("PROD002", 1, 25.00m)])
        {
            Timestamp = new DateTimeOffset(2023, 10, 27, 10, 0, 0, TimeSpan.Zero),
        },
        new PayOrder("ORD12345") { CommandId = "pay-ORD12345" },
        new ShipOrder("ORD12345") { CommandId = "ship-ORD12345" },
        new CancelOrder("ORD12345"),
    ];

    public static void Add(OpenApiOperation operation)
    {
        foreach (var content in operation.RequestBody?.Content?.Values ?? [])
        {
            content.Examples ??= new Dictionary<string, IOpenApiExample>();
            foreach (var example in Examples)
            {
                content.Examples[example.GetType().Name] =
                    new OpenApiExample { Value = JsonNode.Parse(JsonSerializer.Serialize(example, CommandJson.Default.Command)) };
            }
        }
    }
}
