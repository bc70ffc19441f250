using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;
using Shop.Contracts.Commands;
using Shop.Local.Supervision;

namespace Shop.Tests.Observability;

/// <summary>A service is asked to stop while it works, and comes back. The host ends with an error when its 10 seconds are not enough.</summary>
[Collection(ObservedShopDefinition.Name)]
public sealed class GracefulStopTests(ObservedShop observed)
{
    private readonly string customer = $"C{Guid.CreateVersion7():N}";
    private int placed;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private LocalShop Shop => observed.Shop;

    [Theory]
    [InlineData(Part.Commands)]
    [InlineData(Part.Projector)]
    [InlineData(Part.Queries)]
    public async Task A_service_stopped_under_load_ends_within_its_budget_and_nothing_is_lost_or_doubled(Part part)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "SIGTERM does not exist on Windows");
        await observed.PlaceAsync(new RegisterCustomer(customer, "Customer"), Cancellation);
        await observed.PlaceAsync(new AddProduct(customer, "Product", 2.50m), Cancellation);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var load = Task.WhenAll(Enumerable.Range(0, 6).Select(number => number < 4 ? PlaceUntilAsync(number, enough.Token) : ReadUntilAsync(enough.Token)));
        await UntilMoreArePlacedAsync(100);

        var before = Shop.Statuses.Single(status => status.Part == part);
        Assert.True(Posix.Send(before.ProcessId!.Value, Signal.Terminate));
        List<string> endings = [];
        await Shop.WaitUntilAsync(part, status =>
        {
            if (status.Restarts == before.Restarts + 1 && status.Note is { } note) endings.Add(note);
            return status.Restarts == before.Restarts + 1 && status.State is (PartState.Healthy or PartState.Degraded);
        }, Cancellation);
        var after = Shop.Statuses.Single(status => status.Part == part);
        await UntilMoreArePlacedAsync(50);
        await enough.CancelAsync();
        await load;

        Assert.NotEqual(before.ProcessId, after.ProcessId);
        Assert.Contains(endings, note => note.StartsWith("ended with exit code 0", StringComparison.Ordinal));
        await AssertOneEffectEachAsync();
    }

    private Task UntilMoreArePlacedAsync(int more)
    {
        var target = Volatile.Read(ref placed) + more;
        return Eventually.TrueAsync(() => Task.FromResult(Volatile.Read(ref placed) >= target), $"{more} more orders are placed", Cancellation, TimeSpan.FromSeconds(60));
    }

    private async Task PlaceUntilAsync(int client, CancellationToken enough)
    {
        for (var number = 1; !enough.IsCancellationRequested; number++)
        {
            await observed.PlaceAsync(new PlaceOrder($"{customer}-{client}-{number}", customer, [new(customer, 1, 2.50m)]), Cancellation);
            Interlocked.Increment(ref placed);
        }
    }

    private async Task ReadUntilAsync(CancellationToken enough)
    {
        while (!enough.IsCancellationRequested)
        {
            try
            {
                using var response = await observed.Queries.GetAsync($"/customers/{customer}/orders?limit=20", Cancellation);
                Assert.True(response.StatusCode is HttpStatusCode.OK or HttpStatusCode.NotFound or HttpStatusCode.ServiceUnavailable, $"{response.StatusCode}");
            }
            catch (HttpRequestException)
            {
                // Being stopped or started: a reader asks again, not in a hurry.
                await Task.Delay(20, Cancellation);
            }
        }
    }

    private async Task AssertOneEffectEachAsync()
    {
        await using var source = NpgsqlDataSource.Create(Shop.WriteConnectionString);
        Assert.Equal(placed, await CountAsync(source, "select count(*) from orders where customer_id = $1"));
        Assert.Equal(placed, await CountAsync(source, "select count(*) from outbox where starts_with(subject, 'order/' || $1)"));
        var total = (placed * 2.50m).ToString("0.00", CultureInfo.InvariantCulture);
        await Eventually.TrueAsync(async () =>
        {
            using var response = await observed.Queries.GetAsync($"/customers/{customer}", Cancellation);
            if (response.StatusCode != HttpStatusCode.OK) return false;
            var summary = await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
            return summary.GetProperty("orders").GetInt64() == placed && summary.GetProperty("totalSpent").GetDecimal() == placed * 2.50m;
        }, $"the summary says {placed} orders and {total}", Cancellation, TimeSpan.FromSeconds(60));
    }

    private async Task<long> CountAsync(NpgsqlDataSource source, string query)
    {
        await using var command = source.CreateCommand(query);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = customer });
        return (long)(await command.ExecuteScalarAsync(Cancellation))!;
    }
}
