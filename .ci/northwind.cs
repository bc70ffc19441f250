// Compares what the query API of a running shop says with an expected.json: dotnet run .ci/northwind.cs -- DATA_DIRECTORY QUERIES_URL
using System.Globalization;
using System.Net;
using System.Text.Json;

if (args is not [var data, var queries])
{
    Console.Error.WriteLine("usage: northwind.cs DATA_DIRECTORY QUERIES_URL");
    return 2;
}

using var http = new HttpClient { BaseAddress = new Uri(queries) };
using var expected = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(data, "expected.json")));
var shipped = File.ReadLines(Path.Combine(data, "4-payments-and-shipments.ndjson")).Select(Fields)
    .Where(fields => fields["type"] == "ShipOrder").Select(fields => fields["orderId"]).ToHashSet();
var differences = new List<string>();
int passed = 0, failed = 0;

await CheckAsync("every order has its total and status", CheckOrdersAsync);
await CheckAsync("every customer has its number of orders and total", CheckCustomersAsync);
await CheckAsync("every customer's history lists exactly its orders", CheckHistoriesAsync);
await CheckAsync("best sellers have their units", CheckBestSellersAsync);
foreach (var difference in differences.Take(20)) Console.WriteLine($"  {difference}");
Console.WriteLine($"northwind: {passed} passed, {failed} failed");
return failed == 0 ? 0 : 1;

async Task CheckAsync(string what, Func<Task> check)
{
    // The projector may still be catching up right after the import: a difference counts only when it stays.
    var deadline = TimeProvider.System.GetTimestamp();
    while (true)
    {
        differences.Clear();
        await check();
        if (differences.Count == 0 || TimeProvider.System.GetElapsedTime(deadline) > TimeSpan.FromSeconds(60)) break;
        await Task.Delay(250);
    }

    if (differences.Count == 0) passed++;
    else failed++;
    Console.WriteLine($"{(differences.Count == 0 ? "passed" : "FAILED")}: {what}");
}

async Task CheckOrdersAsync()
{
    var found = 0;
    foreach (var order in expected.RootElement.GetProperty("ordersById").EnumerateObject())
    {
        if (await GetAsync($"/orders/{order.Name}") is not { } document)
        {
            differences.Add($"order {order.Name} is missing");
            continue;
        }

        found++;
        Compare($"order {order.Name} total", Money(order.Value), document.GetProperty("totalAmount").GetDecimal());
        Compare($"order {order.Name} status", shipped.Contains(order.Name) ? "Shipped" : "Pending", document.GetProperty("status").GetString());
    }

    Compare("orders", expected.RootElement.GetProperty("orders").GetInt32(), found);
}

async Task CheckCustomersAsync()
{
    var total = 0m;
    foreach (var line in File.ReadLines(Path.Combine(data, "1-customers.ndjson")))
    {
        var id = Fields(line)["customerId"];
        var (orders, spent) = expected.RootElement.GetProperty("customersById").TryGetProperty(id, out var customer)
            ? (customer.GetProperty("orders").GetInt32(), Money(customer.GetProperty("total"))) : (0, 0m);
        if (await GetAsync($"/customers/{id}") is not { } summary)
        {
            differences.Add($"customer {id} is missing");
            continue;
        }

        Compare($"customer {id} orders", orders, summary.GetProperty("orders").GetInt32());
        Compare($"customer {id} total", spent, summary.GetProperty("totalSpent").GetDecimal());
        total += summary.GetProperty("totalSpent").GetDecimal();
    }

    Compare("grand total", Money(expected.RootElement.GetProperty("grandTotal")), total);
}

async Task CheckHistoriesAsync()
{
    var listed = 0;
    foreach (var customer in expected.RootElement.GetProperty("customersById").EnumerateObject())
    {
        var (count, cursor) = (0, (string?)null);
        do
        {
            var page = await GetAsync($"/customers/{customer.Name}/orders?limit=10{(cursor is null ? "" : $"&cursor={Uri.EscapeDataString(cursor)}")}");
            if (page is not { } found) break;
            count += found.GetProperty("orders").GetArrayLength();
            cursor = found.TryGetProperty("next", out var next) && next.ValueKind == JsonValueKind.String ? next.GetString() : null;
        }
        while (cursor is not null);
        Compare($"customer {customer.Name} history", customer.Value.GetProperty("orders").GetInt32(), count);
        listed += count;
    }

    Compare("orders in histories", expected.RootElement.GetProperty("orders").GetInt32(), listed);
}

async Task CheckBestSellersAsync()
{
    var sellers = await GetAsync("/products/best-sellers?limit=100");
    var units = sellers is { } answer
        ? answer.GetProperty("products").EnumerateArray()
            .ToDictionary(product => product.GetProperty("productId").GetString()!, product => product.GetProperty("unitsSold").GetInt64())
        : [];
    foreach (var product in expected.RootElement.GetProperty("unitsByProduct").EnumerateObject())
        Compare($"product {product.Name} units", product.Value.GetInt64(), units.GetValueOrDefault(product.Name));
}

async Task<JsonElement?> GetAsync(string path)
{
    using var response = await http.GetAsync(path);
    if (response.StatusCode == HttpStatusCode.NotFound) return null;
    response.EnsureSuccessStatusCode();
    using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
    return json.RootElement.Clone();
}

void Compare<T>(string what, T wanted, T? got)
{
    if (!EqualityComparer<T>.Default.Equals(wanted, got)) differences.Add($"{what}: expected {wanted}, got {got}");
}

static decimal Money(JsonElement json) => decimal.Parse(json.GetString()!, CultureInfo.InvariantCulture);

static Dictionary<string, string> Fields(string line)
{
    using var json = JsonDocument.Parse(line);
    return json.RootElement.EnumerateObject().Where(field => field.Value.ValueKind == JsonValueKind.String)
        .ToDictionary(field => field.Name, field => field.Value.GetString()!);
}
