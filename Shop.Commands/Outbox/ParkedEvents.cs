using Npgsql;
using Shop.Contracts.Administration;
using Shop.ServiceDefaults.Messaging;

namespace Shop.Commands.Outbox;

/// <summary>
/// Administration of what the broker refused for good: <c>GET /parked</c>, <c>POST /parked/replay</c>. A replayed event is published first and
/// deleted after the broker has accepted it; consumers replace only what is older, so being late is harmless.
/// </summary>
internal static class ParkedEvents
{
    private const int MaxListed = 1_000;

    public static void MapParkedEvents(this IEndpointRouteBuilder administration)
    {
        administration.MapGet("/parked", async (NpgsqlDataSource dataSource, CancellationToken cancellationToken) =>
            TypedResults.Ok(await ListAsync(dataSource, cancellationToken)));
        administration.MapPost("/parked/replay", async (NpgsqlDataSource dataSource, BusClient bus, CancellationToken cancellationToken) =>
            TypedResults.Ok(await ReplayAsync(dataSource, bus, cancellationToken)));
    }

    private static async Task<List<ParkedEvent>> ListAsync(NpgsqlDataSource dataSource, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(
            $"select event_id, shard, position, type, subject, version, parked_at, reason from outbox_parked order by parked_at, event_id limit {MaxListed}");
        var parked = new List<ParkedEvent>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            parked.Add(new ParkedEvent(reader.GetGuid(0), reader.GetInt16(1), reader.GetInt64(2), reader.GetString(3), reader.GetString(4),
                reader.GetInt32(5), reader.GetFieldValue<DateTimeOffset>(6), reader.GetString(7)));
        }

        return parked;
    }

    private static async Task<ParkedReplay> ReplayAsync(NpgsqlDataSource dataSource, BusClient bus, CancellationToken cancellationToken)
    {
        var events = await ReadAsync(dataSource, cancellationToken);
        if (events.Count == 0) return new ParkedReplay(0, 0);
        await using var publisher = bus.CreatePublisher(OutboxRelay.Topic);
        var results = await publisher.PublishAsync(events, cancellationToken);
        var published = events.Where((_, index) => results[index].Status == PublishStatus.Accepted).Select(replayed => replayed.Id).ToArray();
        await using var delete = dataSource.CreateCommand("delete from outbox_parked where event_id = any($1)");
        delete.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = published });
        await delete.ExecuteNonQueryAsync(cancellationToken);
        return new ParkedReplay(published.Length, events.Count - published.Length);
    }

    private static async Task<List<CloudEvent>> ReadAsync(NpgsqlDataSource dataSource, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(
            $"select event_id, type, subject, occurred_at, traceparent, data from outbox_parked order by shard, position limit {MaxListed}");
        var events = new List<CloudEvent>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            events.Add(new CloudEvent(reader.GetGuid(0), ShardRelay.Source, reader.GetString(1), reader.GetString(2), reader.GetFieldValue<DateTimeOffset>(3),
                reader.IsDBNull(4) ? null : reader.GetString(4), GroupKey: reader.GetString(2), reader.GetFieldValue<byte[]>(5)));
        }

        return events;
    }
}
