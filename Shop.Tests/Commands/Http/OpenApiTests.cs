using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Shop.Tests.Commands.Http;

public sealed class OpenApiTests(PostgresFixture postgres)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_document_describes_every_command_with_an_example()
    {
        await using var host = await CommandsHost.StartAsync(await postgres.CreateDatabaseAsync(Cancellation), CommandsHost.NoBroker, Cancellation);
        var document = await host.Http.GetFromJsonAsync<JsonElement>("/openapi/v1.json", Cancellation);
        var content = document.GetProperty("paths").GetProperty("/commands").GetProperty("post").GetProperty("requestBody").GetProperty("content").GetProperty("application/json");
        string[] commands =
        [
            "AddProduct", "CancelOrder", "DiscontinueProduct", "PayOrder", "PlaceOrder", "RegisterCustomer", "RenameCustomer", "RenameProduct", "RepriceProduct", "ShipOrder",
        ];
        Assert.Equal(commands, content.GetProperty("examples").EnumerateObject().Select(example => example.Name).Order(StringComparer.Ordinal));
        var schema = document.GetProperty("components").GetProperty("schemas").GetProperty("Command");
        Assert.Equal("type", schema.GetProperty("discriminator").GetProperty("propertyName").GetString());
        Assert.Equal(commands, schema.GetProperty("discriminator").GetProperty("mapping").EnumerateObject().Select(mapping => mapping.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Scalar_is_at_docs_in_development_and_nowhere_else()
    {
        var connectionString = await postgres.CreateDatabaseAsync(Cancellation);
        await using (var development = await CommandsHost.StartAsync(connectionString, CommandsHost.NoBroker, Cancellation, "--environment=Development"))
        {
            var page = await development.Http.GetStringAsync("/docs", Cancellation);
            Assert.Contains("scalar", page, StringComparison.OrdinalIgnoreCase);
            Assert.Contains("openapi/v1.json", page + await development.Http.GetStringAsync("/docs/v1", Cancellation), StringComparison.Ordinal);
        }

        await using var production = await CommandsHost.StartAsync(connectionString, CommandsHost.NoBroker, Cancellation);
        using var answer = await production.Http.GetAsync("/docs", Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }
}
