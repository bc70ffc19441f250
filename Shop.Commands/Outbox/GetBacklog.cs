using Npgsql;
using Shop.Commands.Deciding;
using Shop.Commands.Http;
using Shop.Contracts.Views;

namespace Shop.Commands.Outbox;

/// <summary><c>GET /backlog</c>: what the outbox still holds back. Read once a second at most, however many ask.</summary>
internal sealed class GetBacklog(NpgsqlDataSource dataSource, OutboxHandOff handOff, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan validity = TimeSpan.FromSeconds(1);
    private readonly SemaphoreSlim one = new(1, 1);
    private long readAt;
    private OutboxBacklog? last;

    public void Dispose() => one.Dispose();

    public async Task<IResult> HandleAsync(HttpContext context, CancellationToken cancellationToken)
    {
        try
        {
            var (depth, oldest, parked) = await ReadAsync(cancellationToken);
            return TypedResults.Json(new BacklogReport(depth, Math.Round(oldest.TotalSeconds, 3), parked), PipelineJson.Default.BacklogReport);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
        {
            context.Response.Headers.RetryAfter = "1";
            return Problems.Unavailable(new Outcome.Unavailable("The outbox cannot be read.", MayHaveHappened: false));
        }
    }

    private async Task<OutboxBacklog> ReadAsync(CancellationToken cancellationToken)
    {
        // Before the migrations have run there is nothing to ask.
        if (!handOff.ShardCount.IsCompleted) throw new TimeoutException("The outbox is not open yet.");
        if (!await one.WaitAsync(OutboxHealthCheck.Timeout, cancellationToken)) throw new TimeoutException("Another reading takes long.");
        try
        {
            if (last is { } known && time.GetElapsedTime(readAt) < validity) return known;
            var read = await OutboxBacklog.ReadAsync(dataSource, time, cancellationToken);
            (last, readAt) = (read, time.GetTimestamp());
            return read;
        }
        finally
        {
            one.Release();
        }
    }
}
