using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.WebUtilities;
using Shop.Contracts.Events;
using Shop.Projector.Projection;
using Shop.Projector.Summaries;
using Shop.ServiceDefaults.Data;
using Shop.Tests.Projector;

namespace Shop.Tests.Queries;

/// <summary>The routes of the read side over a real store that the real projection has written.</summary>
public sealed class QueriesTests(ReadStore store) : IClassFixture<ReadStore>, IAsyncLifetime
{
    private static readonly DateTimeOffset start = new(2023, 10, 27, 10, 0, 0, TimeSpan.Zero);
    private static readonly OrderState template = new("ORD12345", 1, "CUST987", "Alice Smith", 1, start, 46.00m, OrderStatus.Pending,
        [new("PROD001", "Widget", 1, 2, 10.50m), new("PROD002", "Gadget", 1, 1, 25.00m)]);

    private ReadModels models = null!;
    private ServiceHost queries = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var connection = store.NewConnectionString();
        models = store.Open(connection);
        await ReadModelSetup.CreateAsync(models, CancellationToken.None);
        queries = await ServiceHost.StartQueriesAsync(connection, CancellationToken.None);
    }

    public async ValueTask DisposeAsync() => await queries.DisposeAsync();

    [Fact]
    public async Task An_entity_tag_changes_with_the_order_and_with_each_name_and_saves_the_body_otherwise()
    {
        await ProjectAsync(History.Event(template));
        var placed = await EntityTagAsync();
        Assert.Equal(HttpStatusCode.NotModified, await StatusAsync("/orders/ORD12345", ("If-None-Match", placed)));
        Assert.Equal(HttpStatusCode.NotModified, await StatusAsync("/orders/ORD12345", ("If-None-Match", $"\"other\", W/{placed}")));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("/orders/ORD12345", ("If-None-Match", "\"1-0\"")));
        await ProjectAsync(History.Event(template with { Version = 2, Status = OrderStatus.Paid, PaidAt = start.AddMilliseconds(1) }));
        var paid = await EntityTagAsync();
        await ProjectAsync(History.Event(new CustomerState("CUST987", "Alice Jones", 2, 2)));
        var renamed = await EntityTagAsync();
        await ProjectAsync(History.Event(new ProductState("PROD002", "Gadget II", 25m, false, 3, 2)));
        Assert.Equal(4, new[] { placed, paid, renamed, await EntityTagAsync() }.Distinct().Count());

        var document = await queries.GetJsonAsync("/orders/ORD12345", Cancellation);
        Assert.Equal("2023-10-27T10:00:00.001Z", document.GetProperty("paidAt").GetString());
        Assert.Equal("Alice Jones", document.GetProperty("customerName").GetString());
        Assert.Equal("Gadget II", document.GetProperty("items")[1].GetProperty("productName").GetString());
    }

    [Fact]
    public async Task Requests_that_come_together_each_get_their_own_order_or_none()
    {
        await ProjectAsync([.. Enumerable.Range(0, 50).Select(number => History.Event(template with { OrderId = $"O{number}" }))]);
        var answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(async number =>
        {
            using var response = await queries.Http.GetAsync($"/orders/O{number % 60}", Cancellation);
            return (Number: number % 60, response.StatusCode, Body: await response.Content.ReadAsStringAsync(Cancellation));
        }));
        Assert.All(answers, answer =>
        {
            Assert.Equal(answer.Number < 50 ? HttpStatusCode.OK : HttpStatusCode.NotFound, answer.StatusCode);
            if (answer.Number < 50) Assert.StartsWith($"{{\"_id\":\"O{answer.Number}\",", answer.Body, StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData("/orders/nobody-knows")]
    [InlineData("/customers/nobody-knows")]
    [InlineData("/customers/nobody-knows/orders")]
    [InlineData("/orders/not%20an%20identifier")]
    public async Task What_is_unknown_is_a_404_problem(string path) => await AssertProblemAsync(path, HttpStatusCode.NotFound);

    [Fact]
    public async Task Every_wrong_parameter_is_named_at_once()
    {
        var problem = await AssertProblemAsync(
            "/customers/CUST987/orders?status=Lost&from=yesterday&to=2023-10-27T10:00:00&limit=101&cursor=AAAA&seen=x", HttpStatusCode.BadRequest);
        Assert.Equal(["cursor", "from", "limit", "seen", "status", "to"],
            problem.GetProperty("errors").EnumerateObject().Select(error => error.Name).Order(StringComparer.Ordinal));
        Assert.True((await AssertProblemAsync("/products/best-sellers?limit=0", HttpStatusCode.BadRequest)).GetProperty("errors").TryGetProperty("limit", out _));
        var eleven = string.Join('&', Enumerable.Range(1, 11).Select(i => $"seen=O{i}:1"));
        await AssertProblemAsync($"/orders/ORD12345?{eleven}", HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Pages_neither_repeat_nor_miss_an_order_while_new_ones_arrive()
    {
        // Three orders share each instant, so that pages end between equals.
        OrderState[] orders = [.. Enumerable.Range(0, 25).Select(i => template with { OrderId = $"O{i:00}", OrderDate = start.AddHours(i / 3) })];
        await ProjectAsync([.. orders.Select(History.Event)]);
        List<string> listed = [];
        string? cursor = null;
        do
        {
            var page = await queries.GetJsonAsync(With("/customers/CUST987/orders?limit=4", cursor), Cancellation);
            listed.AddRange(page.GetProperty("orders").EnumerateArray().Select(order => order.GetProperty("_id").GetString()!));
            cursor = page.TryGetProperty("next", out var next) ? next.GetString() : null;
            await ProjectAsync(History.Event(template with { OrderId = $"new{listed.Count}", OrderDate = start.AddDays(30) }));
        }
        while (cursor is not null);
        Assert.Equal(orders.OrderByDescending(order => order.OrderDate).ThenBy(order => order.OrderId, StringComparer.Ordinal).Select(order => order.OrderId), listed);
    }

    [Fact]
    public async Task Filters_by_status_and_dates_combine_with_pages()
    {
        OrderState[] orders = [.. Enumerable.Range(0, 20).Select(i => template with
        {
            OrderId = $"O{i:00}", OrderDate = start.AddDays(i), Status = i % 2 == 0 ? OrderStatus.Pending : OrderStatus.Paid,
        })];
        await ProjectAsync([.. orders.Select(History.Event)]);
        var path = "/customers/CUST987/orders?status=Paid&from=2023-10-30&to=2023-11-08T12:00:00%2B02:00&limit=3";
        var first = await queries.GetJsonAsync(path, Cancellation);
        var second = await queries.GetJsonAsync(With(path, first.GetProperty("next").GetString()), Cancellation);
        Assert.Equal(["O11", "O09", "O07", "O05"], new[] { first, second }.SelectMany(page => page.GetProperty("orders").EnumerateArray())
            .Select(order => order.GetProperty("_id").GetString()).Take(4));
    }

    [Fact]
    public async Task A_cursor_that_was_touched_or_carried_to_another_question_is_refused()
    {
        await ProjectAsync([.. Enumerable.Range(0, 5).Select(i => History.Event(template with { OrderId = $"O{i}" }))]);
        var page = await queries.GetJsonAsync("/customers/CUST987/orders?limit=2", Cancellation);
        var cursor = page.GetProperty("next").GetString()!;
        await queries.GetJsonAsync(With("/customers/CUST987/orders?limit=3", cursor), Cancellation);
        for (var i = 0; i < cursor.Length - 1; i++)
        {
            var touched = cursor[..i] + (cursor[i] == 'A' ? 'B' : 'A') + cursor[(i + 1)..];
            await AssertProblemAsync(With("/customers/CUST987/orders?limit=2", touched), HttpStatusCode.BadRequest);
        }

        await AssertProblemAsync(With("/customers/CUST988/orders?limit=2", cursor), HttpStatusCode.BadRequest);
        await AssertProblemAsync(With("/customers/CUST987/orders?limit=2&status=Pending", cursor), HttpStatusCode.BadRequest);
        await AssertProblemAsync(With("/customers/CUST987/orders?limit=2", cursor + "!"), HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_caller_who_says_what_he_has_seen_gets_it_in_order_list_and_summary_before_any_sum_was_recomputed()
    {
        await ProjectAsync(History.Event(new CustomerState("CUST987", "Alice Smith", 1, 1)), History.Event(template));
        await new SummaryRecomputation(models).SweepAsync(Cancellation);
        await ProjectAsync(History.Event(template with { OrderId = "ORD12346", TotalAmount = 10.5m, OrderDate = start.AddDays(40) }));

        var summary = await queries.GetJsonAsync("/customers/CUST987?seen=ORD12346:1", Cancellation);
        Assert.Equal("""{"_id":"CUST987","name":"Alice Smith","version":1,"orders":2,"totalSpent":56.50,"lastOrder":"2023-12-06T10:00:00Z"}""", summary.GetRawText());
        var list = await queries.GetJsonAsync("/customers/CUST987/orders?seen=order/ORD12346:1", Cancellation);
        Assert.Equal("ORD12346", list.GetProperty("orders")[0].GetProperty("_id").GetString());
        await queries.GetJsonAsync("/orders/ORD12346?seen=ORD12346:1", Cancellation);

        await new SummaryRecomputation(models).SweepAsync(Cancellation);
        Assert.Equal(summary.GetRawText(), (await queries.GetJsonAsync("/customers/CUST987", Cancellation)).GetRawText());
    }

    [Fact]
    public async Task A_summary_contains_a_seen_order_whose_month_is_not_marked_yet()
    {
        await ProjectAsync(History.Event(new CustomerState("CUST987", "Alice Smith", 1, 1)));
        await ProjectAsync(ProjectionStep.Visible, History.Event(template));
        Assert.Equal(1, (await queries.GetJsonAsync("/customers/CUST987?seen=ORD12345:1", Cancellation)).GetProperty("orders").GetInt32());
    }

    [Fact]
    public async Task A_seen_rename_shows_in_an_order_that_the_projector_has_not_reached_yet()
    {
        await ProjectAsync(History.Event(template));
        await ProjectAsync(ProjectionStep.ReferencesWritten, History.Event(new CustomerState("CUST987", "Alice Jones", 2, 2)));
        var before = await queries.GetJsonAsync("/orders/ORD12345", Cancellation);
        Assert.Equal("Alice Smith", before.GetProperty("customerName").GetString());
        foreach (var path in new[] { "/orders/ORD12345?seen=CUST987:2", "/customers/CUST987/orders?seen=CUST987:2" })
            Assert.Contains("\"customerName\":\"Alice Jones\",\"customerVersion\":2", await queries.Http.GetStringAsync(path, Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Waiting_ends_when_the_version_arrives()
    {
        await ProjectAsync(History.Event(template));
        var waiting = GetAsync("/orders/ORD12345?seen=ORD12345:2", ("Prefer", "wait=30"));
        await ProjectAsync(History.Event(template with { Version = 2, Status = OrderStatus.Paid }));
        using var response = await waiting;
        Assert.Contains("\"version\":2", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Waiting_in_vain_is_a_503_that_says_how_far_the_read_model_is()
    {
        await ProjectAsync(History.Event(template));
        using var response = await GetAsync("/orders/ORD12345?seen=ORD12345:7", ("Prefer", "wait=0"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.NotNull(response.Headers.RetryAfter);
        Assert.Contains("order/ORD12345:7 was seen, the read model has version 1", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_kind_before_the_identifier_tells_an_order_from_a_product_of_the_same_identifier()
    {
        await ProjectAsync(History.Event(template with { OrderId = "42" }), History.Event(new ProductState("42", "Towel", 1m, false, 5, 1)));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("/customers/CUST987/orders?seen=product/42:5", ("Prefer", "wait=0")));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync("/customers/CUST987/orders?seen=order/42:5", ("Prefer", "wait=0")));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync("/orders/42?seen=42:5", ("Prefer", "wait=0")));
    }

    [Fact]
    public async Task Best_sellers_are_ordered_by_units_and_forget_cancelled_orders()
    {
        await ProjectAsync(
            History.Event(new ProductState("PROD001", "Widget", 10.50m, false, 1, 1)), History.Event(new ProductState("PROD002", "Gadget", 25m, false, 1, 1)),
            History.Event(template), History.Event(template with { OrderId = "O2", OrderDate = start.AddDays(1) }),
            History.Event(template with { OrderId = "O3", Version = 2, Status = OrderStatus.Cancelled, CancelledAt = start }));
        await new SummaryRecomputation(models).SweepAsync(Cancellation);
        Assert.Equal(
            """{"products":[{"productId":"PROD001","productName":"Widget","unitsSold":4,"revenue":42.00},{"productId":"PROD002","productName":"Gadget","unitsSold":2,"revenue":50.00}]}""",
            await queries.Http.GetStringAsync("/products/best-sellers", Cancellation));
        Assert.Equal(1, (await queries.GetJsonAsync("/products/best-sellers?limit=1", Cancellation)).GetProperty("products").GetArrayLength());
    }

    private async Task ProjectAsync(params IncomingEvent[] events)
    {
        await foreach (var _ in new OrderProjection(models, TimeProvider.System).ApplyAsync(new ProjectionBatch(events), Cancellation)) { }
    }

    /// <summary>Stops after a step, like a projector that is killed there.</summary>
    private async Task ProjectAsync(ProjectionStep last, IncomingEvent only)
    {
        await foreach (var step in new OrderProjection(models, TimeProvider.System).ApplyAsync(new ProjectionBatch([only]), Cancellation))
            if (step == last) return;
    }

    private static string With(string path, string? cursor) => cursor is null ? path : QueryHelpers.AddQueryString(path, "cursor", cursor);

    private async Task<HttpResponseMessage> GetAsync(string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return await queries.Http.SendAsync(request, Cancellation);
    }

    private async Task<HttpStatusCode> StatusAsync(string path, params (string Name, string Value)[] headers)
    {
        using var response = await GetAsync(path, headers);
        return response.StatusCode;
    }

    private async Task<string> EntityTagAsync()
    {
        using var response = await GetAsync("/orders/ORD12345");
        return response.Headers.ETag!.ToString();
    }

    private async Task<JsonElement> AssertProblemAsync(string path, HttpStatusCode status)
    {
        using var response = await GetAsync(path);
        var body = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.True(status == response.StatusCode, $"{path}: {(int)response.StatusCode}: {body}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        var problem = JsonDocument.Parse(body).RootElement;
        Assert.StartsWith("urn:shop:problem:", problem.GetProperty("type").GetString(), StringComparison.Ordinal);
        return problem;
    }
}
