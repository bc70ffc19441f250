using Shop.Chaos.History;
using Shop.Local;

namespace Shop.Chaos.Clients;

/// <summary>All clients of a run.</summary>
internal sealed class Population : IDisposable
{
    public const int Clients = 12;

    /// <summary>Who places what is there from the beginning, and who watches the recovery.</summary>
    public const int Harness = 0;

    private readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false, PooledConnectionIdleTimeout = TimeSpan.FromSeconds(10), ConnectTimeout = TimeSpan.FromSeconds(2) })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    private readonly CancellationTokenSource stop = new();
    private readonly ShopClient shop;
    private Task running = Task.CompletedTask;

    public Population(Journal journal) => shop = new ShopClient(http, journal);

    public Catalogue Catalogue { get; } = new(Clients);

    public ShopClient Client => shop;

    /// <summary>Before any fault: customers and products.</summary>
    public async Task FoundAsync(string to, string url)
    {
        foreach (var intent in Catalogue.Foundations())
        {
            var attempt = await shop.SendAsync(Harness, intent, null, to, url, TimeSpan.FromSeconds(20));
            if (attempt.Answer != Answer.Done) throw new LocalRunException($"{intent.Key} was not done before the faults began: {attempt.Detail}");
        }
    }

    public void Start(int seed, double ordersPerSecond, Func<string, string> urlOf, TimeProvider time)
    {
        var cycle = TimeSpan.FromSeconds(Clients / ordersPerSecond);
        running = Task.WhenAll(Enumerable.Range(1, Clients).Select(number =>
            Task.Run(() => new ClientSession(number, seed, shop, urlOf, Catalogue, cycle, time).RunAsync(stop.Token))));
    }

    /// <summary>Returns when every call has its answer or was given up.</summary>
    public async Task StopAsync()
    {
        await stop.CancelAsync();
        await running;
    }

    public void Dispose()
    {
        http.Dispose();
        stop.Dispose();
    }
}
