using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Shop.Contracts.Commands;

namespace Shop.Tests.Commands.Http;

public sealed class CommandsApiTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly RegisterCustomer Alice = new("CUST987", "Alice Smith");
    private static readonly AddProduct Widget = new("PROD001", "Widget", 10.50m);
    private CommandsHost host = null!;
    private string connectionString = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        connectionString = await postgres.CreateDatabaseAsync(Cancellation);
        host = await CommandsHost.StartAsync(connectionString, CommandsHost.NoBroker, Cancellation);
    }

    [Fact]
    public async Task A_creating_command_answers_201_with_location_and_etag()
    {
        using var response = await host.PostAsync(Alice, Cancellation);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal("/customers/CUST987", response.Headers.Location!.ToString());
        Assert.Equal("\"1\"", response.Headers.ETag!.Tag);
        Assert.Equal("""{"id":"CUST987","version":1}""", await response.Content.ReadAsStringAsync(Cancellation));
    }

    [Fact]
    public async Task A_creating_command_again_is_the_first_answer_again()
    {
        await host.DoAsync(Alice, Cancellation);
        using var response = await host.PostAsync(Alice, Cancellation, headers => headers.IfMatch.Add(new EntityTagHeaderValue("\"7\"")));
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal("true", response.Headers.GetValues("Idempotent-Replayed").Single());
    }

    [Fact]
    public async Task The_same_id_with_other_content_is_409()
    {
        await host.DoAsync(Alice, Cancellation);
        await AssertProblemAsync(await host.PostAsync(Alice with { Name = "Bob" }, Cancellation), HttpStatusCode.Conflict, "id-taken");
    }

    [Fact]
    public async Task An_idempotency_key_makes_a_change_repeatable_after_a_restart_too()
    {
        await PlaceAsync("O1");
        await using (var second = await CommandsHost.StartAsync(connectionString, CommandsHost.NoBroker, Cancellation))
            (await second.PostAsync(new PayOrder("O1"), Cancellation, headers => headers.Add("Idempotency-Key", "pay-O1"))).EnsureSuccessStatusCode();

        using var again = await host.PostAsync(new PayOrder("O1") { CommandId = "pay-O1" }, Cancellation);
        Assert.Equal("true", again.Headers.GetValues("Idempotent-Replayed").Single());
        await AssertProblemAsync(await host.PostAsync(new ShipOrder("O1") { CommandId = "pay-O1" }, Cancellation), HttpStatusCode.Conflict, "command-id-reused");
    }

    [Fact]
    public async Task A_stale_if_match_is_412_and_says_the_current_version()
    {
        await PlaceAsync("O1");
        await host.DoAsync(new PayOrder("O1"), Cancellation);
        var problem = await AssertProblemAsync(
            await host.PostAsync(new ShipOrder("O1"), Cancellation, headers => headers.IfMatch.Add(new EntityTagHeaderValue("\"1\""))),
            HttpStatusCode.PreconditionFailed, "stale-version");
        Assert.Equal(2, problem.GetProperty("currentVersion").GetInt32());
    }

    [Fact]
    public async Task A_broken_rule_is_422_and_says_what_would_be_right()
    {
        await host.DoAsync(Alice, Cancellation);
        await host.DoAsync(Widget, Cancellation);
        var problem = await AssertProblemAsync(
            await host.PostAsync(new PlaceOrder("O1", "CUST987", [new("PROD001", 1, 9m)]), Cancellation), HttpStatusCode.UnprocessableEntity, "price-changed");
        Assert.Equal(10.50m, problem.GetProperty("currentPrice").GetDecimal());
    }

    [Fact]
    public async Task A_malformed_command_is_400_with_every_field_at_once()
    {
        var problem = await AssertProblemAsync(
            await host.PostAsync("""{"type":"PlaceOrder","items":[{"productId":"P","quantity":0,"price":-1}]}""", Cancellation), HttpStatusCode.BadRequest, "malformed");
        Assert.Equal(4, problem.GetProperty("errors").EnumerateObject().Count());
    }

    [Fact]
    public async Task A_wrong_content_type_is_415_and_ten_megabytes_are_413()
    {
        using var text = new StringContent("{}", Encoding.UTF8, "text/plain");
        await AssertProblemAsync(await host.Http.PostAsync("/commands", text, Cancellation), HttpStatusCode.UnsupportedMediaType, "unsupported-media-type");
        using var huge = new ByteArrayContent(new byte[10 * 1024 * 1024]);
        huge.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        await AssertProblemAsync(await host.Http.PostAsync("/commands", huge, Cancellation), HttpStatusCode.RequestEntityTooLarge, "too-large");
    }

    [Fact]
    public async Task An_unknown_route_is_404_and_administration_is_not_on_the_public_port()
    {
        using var unknown = await host.Http.GetAsync("/nothing", Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
        using var content = new StringContent("", Encoding.UTF8, "application/x-ndjson");
        using var import = await host.Http.PostAsync("/import", content, Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, import.StatusCode);
    }

    [Fact]
    public async Task Administration_wants_its_key()
    {
        using var stranger = new HttpClient { BaseAddress = host.Administration.BaseAddress };
        using var content = new StringContent("", Encoding.UTF8, "application/x-ndjson");
        using var import = await stranger.PostAsync("/import", content, Cancellation);
        Assert.Equal(HttpStatusCode.Unauthorized, import.StatusCode);
    }

    [Fact]
    public async Task A_batch_answers_one_line_per_command_in_order_across_shards()
    {
        var results = await CommandsHost.PostLinesAsync(host.Http, "/commands/batch",
        [
            """{"type":"RegisterCustomer","customerId":"C1","name":"One"}""",
            """{"type":"AddProduct","productId":"P1","name":"Thing","price":2.50}""",
            "",
            """{"type":"PlaceOrder","orderId":"O1","customerId":"C1","items":[{"productId":"P1","quantity":2,"price":2.50}]}""",
            """{"type":"PayOrder","orderId":"O1"}""",
            """{"type":"PayOrder"}""",
            "{",
            """{"type":"ShipOrder","orderId":"O2"}""",
            """{"type":"ShipOrder","orderId":"O1"}""",
        ], Cancellation);
        Assert.Equal([(1L, 201), (2, 201), (4, 201), (5, 200), (6, 400), (7, 400), (8, 422), (9, 200)], results.Select(result => (result.Line, result.Status)));
        Assert.Equal("urn:shop:problem:unknown-order", results[6].Problem!.Type);
        Assert.Equal(3, results[7].Version);
    }

    [Fact]
    public async Task An_import_brings_prices_and_times_and_changes_nothing_the_second_time()
    {
        string[] lines =
        [
            """{"type":"RegisterCustomer","customerId":"C1","name":"One","commandId":"f:1"}""",
            """{"type":"AddProduct","productId":"P1","name":"Thing","price":2.50,"commandId":"f:2"}""",
            """{"type":"PlaceOrder","orderId":"O1","customerId":"C1","items":[{"productId":"P1","quantity":2,"price":1.25}],"timestamp":"1996-07-04T00:00:00Z","commandId":"f:3"}""",
            """{"type":"PayOrder","orderId":"O1","timestamp":"1996-07-05T00:00:00Z","commandId":"f:4"}""",
        ];
        var first = await CommandsHost.PostLinesAsync(host.Administration, "/import", lines, Cancellation);
        Assert.All(first, result => Assert.False(result.Replayed));
        var second = await CommandsHost.PostLinesAsync(host.Administration, "/import", lines, Cancellation);
        Assert.All(second, result => Assert.True(result.Replayed));
        Assert.Equal(first.Select(result => (result.Status, result.Version)), second.Select(result => (result.Status, result.Version)));
        Assert.Equal(new DateTime(1996, 7, 5, 0, 0, 0, DateTimeKind.Utc), await ScalarAsync("select paid_at from orders where total_amount = 2.50"));
    }

    [Fact]
    public async Task A_line_over_the_limit_is_refused_and_the_next_one_is_taken()
    {
        var results = await CommandsHost.PostLinesAsync(host.Http, "/commands/batch",
            [new string(' ', 2_000_000) + "x", """{"type":"RegisterCustomer","customerId":"C1","name":"One"}"""], Cancellation);
        Assert.Equal([400, 201], results.Select(result => result.Status));
    }

    [Fact]
    public async Task The_largest_legal_order_is_taken()
    {
        var products = Enumerable.Range(0, 1_000).Select(index => $$"""{"type":"AddProduct","productId":"P{{index}}","name":"A product with a name {{index}}","price":999.99}""");
        var results = await CommandsHost.PostLinesAsync(host.Http, "/commands/batch", ["""{"type":"RegisterCustomer","customerId":"C1","name":"One"}""", .. products], Cancellation);
        Assert.All(results, result => Assert.Equal(201, result.Status));
        await host.DoAsync(new PlaceOrder("O1", "C1", [.. Enumerable.Range(0, 1_000).Select(index => new PlaceOrderLine($"P{index}", 1_000_000, 999.99m))]), Cancellation);
        Assert.Equal(999_990_000_000.00m, await ScalarAsync("select total_amount from orders"));
    }

    private async Task PlaceAsync(string orderId)
    {
        await host.DoAsync(Alice, Cancellation);
        await host.DoAsync(Widget, Cancellation);
        await host.DoAsync(new PlaceOrder(orderId, "CUST987", [new("PROD001", 1, 10.50m)]), Cancellation);
    }

    private Task<object?> ScalarAsync(string sql) => PostgresFixture.ScalarAsync(connectionString, sql, Cancellation);

    private static async Task<JsonElement> AssertProblemAsync(HttpResponseMessage response, HttpStatusCode status, string rule)
    {
        using (response)
        {
            Assert.Equal(status, response.StatusCode);
            Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
            var problem = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync(Cancellation));
            Assert.Equal($"urn:shop:problem:{rule}", problem.GetProperty("type").GetString());
            return problem;
        }
    }

    public async ValueTask DisposeAsync() => await host.DisposeAsync();
}
