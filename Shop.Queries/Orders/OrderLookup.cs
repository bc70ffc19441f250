using System.Threading.Channels;
using MongoDB.Bson;
using MongoDB.Driver;
using Shop.ServiceDefaults.Data;

namespace Shop.Queries.Orders;

/// <summary>
/// Orders by identifier, for many requests with one command: whoever is waiting when a command can go is in it. Nobody waits for company:
/// a request that comes alone goes alone, and the busier it gets, the more share the cost of a round trip.
/// </summary>
internal sealed class OrderLookup : BackgroundService
{
    /// <summary>What one command asks for at most.</summary>
    private const int MostAtOnce = 100;

    /// <summary>Commands under way at once: one is answered while the other is asked.</summary>
    private const int Workers = 2;

    /// <summary>Requests beyond these wait for a place, which ends with the request.</summary>
    private const int Capacity = 10_000;

    private readonly Channel<Wanted> waiting = Channel.CreateBounded<Wanted>(Capacity);

    /// <summary>The order as it is at some moment after the call, or null.</summary>
    public async Task<StoredOrder?> FindAsync(ReadModelGeneration generation, string id, CancellationToken cancellationToken)
    {
        var wanted = new Wanted(generation, id);
        if (!waiting.Writer.TryWrite(wanted)) await waiting.Writer.WriteAsync(wanted, cancellationToken);
        // Ends with the command that asks for it, which its time-outs end: not worth a registration for each request.
        return await wanted.Found.Task;
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(Enumerable.Range(0, Workers).Select(_ => WorkAsync(stoppingToken)));

    private async Task WorkAsync(CancellationToken stoppingToken)
    {
        List<Wanted> batch = new(MostAtOnce);
        try
        {
            while (await waiting.Reader.WaitToReadAsync(stoppingToken))
            {
                batch.Clear();
                while (batch.Count < MostAtOnce && waiting.Reader.TryRead(out var wanted)) batch.Add(wanted);
                // Around a flip requests may want two generations.
                foreach (var ofGeneration in batch.GroupBy(wanted => wanted.Generation)) await AnswerAsync(ofGeneration.Key, [.. ofGeneration], stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            foreach (var wanted in batch) wanted.Found.TrySetCanceled(stoppingToken);
        }
    }

    private static async Task AnswerAsync(ReadModelGeneration generation, Wanted[] batch, CancellationToken cancellationToken)
    {
        try
        {
            BsonValue ids = batch.Length == 1 ? batch[0].Id : new BsonDocument("$in", new BsonArray(batch.Select(wanted => wanted.Id).Distinct()));
            using var cursor = await generation.Orders.FindAsync(new BsonDocument("_id", ids), StoredOrder.AsStored, cancellationToken);
            var found = new Dictionary<string, StoredOrder>(batch.Length);
            while (await cursor.MoveNextAsync(cancellationToken))
                foreach (var order in cursor.Current) found[order.Id] = order;
            foreach (var wanted in batch) wanted.Found.TrySetResult(found.GetValueOrDefault(wanted.Id));
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // Handed to those who wait, each of whom answers for it.
            foreach (var wanted in batch) wanted.Found.TrySetException(exception);
        }
    }

    private sealed record Wanted(ReadModelGeneration Generation, string Id)
    {
        /// <summary>The request goes on where its order is found: handing it to another thread costs more than the answer does.</summary>
        public TaskCompletionSource<StoredOrder?> Found { get; } = new();
    }
}
