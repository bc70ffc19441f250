using System.Text.Json;
using Npgsql;
using Shop.Commands.Database;
using Shop.Commands.Outbox;
using Shop.Contracts.Events;
#if SEEDED_BUGS
using Shop.ServiceDefaults.Reliability;
#endif
using static Shop.Commands.Database.Sql;

namespace Shop.Commands.Deciding;

/// <summary>The second round trip of a group: writes states, lines, log and outbox with one statement each, and commits.</summary>
internal static class GroupWrite
{
    /// <summary>The namespace of the advisory locks under which a shard's positions are given out.</summary>
    private const int NumberingLock = 0x73686f70; // "shop"

    /// <summary>Commits the group and returns its events with their positions, shard by shard.</summary>
    /// <param name="connection">In the transaction that <see cref="GroupLoad"/> has opened.</param>
    /// <param name="state">What has been decided.</param>
    /// <param name="decision">The events.</param>
    /// <param name="lastPositions">The last position known of each shard, 0 for none; brought up to date by a commit.</param>
    /// <param name="now">The server's clock.</param>
    /// <param name="cancellationToken">Ends the wait, not the commit.</param>
    /// <exception cref="PostgresException">23505 or SH001: another process was faster; load and decide again.</exception>
    /// <exception cref="NpgsqlException">The connection was lost: the group may or may not be committed.</exception>
    public static async Task<IReadOnlyList<OutboxEvent[]>> RunAsync(
        NpgsqlConnection connection, GroupState state, GroupDecision decision, long[] lastPositions, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        AddCustomers(batch, state);
        AddProducts(batch, state);
        AddOrders(batch, state);
        AddCommandLog(batch, decision, now);
        var shards = decision.Shards;
        var events = Array.ConvertAll(shards, shard => NewEvents(decision, shard, now));
        AddOutbox(batch, shards, events, lastPositions, now);
        batch.Add("commit");

        var heads = new List<long>(shards.Length);
        await using (var reader = await batch.ExecuteReaderAsync(cancellationToken))
        {
            do
            {
                if (reader.FieldCount != 2) continue;
                while (await reader.ReadAsync(cancellationToken)) heads.AddRange(reader.GetFieldValue<long[]>(0));
            }
            while (await reader.NextResultAsync(cancellationToken));
        }

        for (var shard = 0; shard < shards.Length; shard++)
        {
            lastPositions[shards[shard]] = heads[shard] + events[shard].Length;
            for (var index = 0; index < events[shard].Length; index++) events[shard][index] = events[shard][index] with { Position = heads[shard] + 1 + index };
        }

        return events;
    }

    private static OutboxEvent[] NewEvents(GroupDecision decision, int shard, DateTimeOffset now) =>
    [
        .. decision.Events.Where(decided => decided.Shard == shard).Select((decided, index) => new OutboxEvent(
            shard, Position: index + 1, Guid.CreateVersion7(now), decided.Type, decided.Target.Subject, decided.Version, now, decided.TraceParent, decided.Data)),
    ];

    // The locks are held until after the commit is visible, so positions are gap-free and in commit order across processes. They are taken in
    // ascending order, so that two groups of several shards cannot wait for each other. The numbering is a statement of its own because only a
    // new statement's snapshot sees what was committed while this one waited for the locks. The last position this writer knows of only shortens
    // the search: without it a page of the index is read per shard.
    private static void AddOutbox(NpgsqlBatch batch, int[] shards, OutboxEvent[][] events, long[] lastPositions, DateTimeOffset now)
    {
        OutboxEvent[] rows = [.. events.SelectMany(ofShard => ofShard)];
        batch.Add("select pg_advisory_xact_lock($1, shard) from unnest($2) as shard", Value(NumberingLock), Value(shards));
        batch.Add("""
            with head as materialized (
                select array(select coalesce(
                                 (select o.position from outbox o where o.shard = s.shard and o.position >= s.known order by o.position desc limit 1),
                                 (select o.position from outbox o where o.shard = s.shard order by o.position desc limit 1), 0)
                             from unnest($1, $11) with ordinality as s(shard, known, place) order by s.place) as positions),
            written as (
                insert into outbox (shard, position, event_id, type, subject, version, occurred_at, traceparent, data)
                select ($1)[e.place], head.positions[e.place] + e.position, e.event_id, e.type, e.subject, e.version, $2, e.traceparent, e.data
                from head, unnest($3, $4, $5, $6, $7, $8, $9, $10) as e(place, position, event_id, type, subject, version, traceparent, data)
                returning 1)
            select head.positions, (select count(*) from written) from head
            """,
            Value(Array.ConvertAll(shards, shard => (short)shard)), Value(now), Value(Column(rows, e => Array.IndexOf(shards, e.Shard) + 1)), Value(Column(rows, e => e.Position)),
            Value(Column(rows, e => e.EventId)), Value(Column(rows, e => e.Type)), Value(Column(rows, e => e.Subject)),
            Value(Column(rows, e => e.Version)), OptionalTexts(Column(rows, e => e.TraceParent)), Value(Column(rows, e => e.Data)),
            Value(Array.ConvertAll(shards, shard => lastPositions[shard])));
    }

    private static void AddCustomers(NpgsqlBatch batch, GroupState state)
    {
        var (created, changed) = Sort(state.Customers);
        if (created.Length > 0)
        {
            batch.Add("insert into customers (customer_id, name, version, name_version, created_hash) select * from unnest($1, $2, $3, $4, $5)",
                Value(Column(created, c => c.State.CustomerId)), Value(Column(created, c => c.State.Name)), Value(Column(created, c => c.State.Version)),
                Value(Column(created, c => c.State.NameVersion)), Value(Column(created, c => c.CreatedHash)));
        }

        if (changed.Length > 0)
        {
            AddUpdate(batch, """
                update customers t set name = u.name, version = u.version, name_version = u.name_version
                from unnest($2, $3, $4, $5, $6) as u(id, loaded, name, version, name_version)
                where t.customer_id = u.id and t.version = u.loaded
                """, changed.Length, Value(Column(changed, c => c.State.CustomerId)), Value(Column(changed, c => c.LoadedVersion)),
                Value(Column(changed, c => c.State.Name)), Value(Column(changed, c => c.State.Version)), Value(Column(changed, c => c.State.NameVersion)));
        }
    }

    private static void AddProducts(NpgsqlBatch batch, GroupState state)
    {
        var (created, changed) = Sort(state.Products);
        if (created.Length > 0)
        {
            batch.Add("insert into products (product_id, name, price, discontinued, version, name_version, created_hash) select * from unnest($1, $2, $3, $4, $5, $6, $7)",
                Value(Column(created, p => p.State.ProductId)), Value(Column(created, p => p.State.Name)), Value(Column(created, p => p.State.Price)),
                Value(Column(created, p => p.State.Discontinued)), Value(Column(created, p => p.State.Version)), Value(Column(created, p => p.State.NameVersion)),
                Value(Column(created, p => p.CreatedHash)));
        }

        if (changed.Length > 0)
        {
            AddUpdate(batch, """
                update products t set name = u.name, price = u.price, discontinued = u.discontinued, version = u.version, name_version = u.name_version
                from unnest($2, $3, $4, $5, $6, $7, $8) as u(id, loaded, name, price, discontinued, version, name_version)
                where t.product_id = u.id and t.version = u.loaded
                """, changed.Length, Value(Column(changed, p => p.State.ProductId)), Value(Column(changed, p => p.LoadedVersion)),
                Value(Column(changed, p => p.State.Name)), Value(Column(changed, p => p.State.Price)), Value(Column(changed, p => p.State.Discontinued)),
                Value(Column(changed, p => p.State.Version)), Value(Column(changed, p => p.State.NameVersion)));
        }
    }

    private static void AddOrders(NpgsqlBatch batch, GroupState state)
    {
        var (created, changed) = Sort(state.Orders);
        if (created.Length > 0)
        {
            batch.Add("""
                insert into orders (order_id, customer_id, order_date, total_amount, status, version, paid_at, shipped_at, cancelled_at, created_hash)
                select * from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                """,
                Value(Column(created, o => o.State.OrderId)), Value(Column(created, o => o.State.CustomerId)), Value(Column(created, o => o.State.OrderDate)),
                Value(Column(created, o => o.State.TotalAmount)), Value(Column(created, o => o.State.Status)), Value(Column(created, o => o.State.Version)),
                OptionalTimes(Column(created, o => o.State.PaidAt)), OptionalTimes(Column(created, o => o.State.ShippedAt)), OptionalTimes(Column(created, o => o.State.CancelledAt)),
                Value(Column(created, o => o.CreatedHash)));
            AddLines(batch, created);
        }

        if (changed.Length > 0)
        {
            AddUpdate(batch, """
                update orders t set status = u.status, version = u.version, paid_at = u.paid_at, shipped_at = u.shipped_at, cancelled_at = u.cancelled_at
                from unnest($2, $3, $4, $5, $6, $7, $8) as u(id, loaded, status, version, paid_at, shipped_at, cancelled_at)
                where t.order_id = u.id and t.version = u.loaded
                """, changed.Length, Value(Column(changed, o => o.State.OrderId)), Value(Column(changed, o => o.LoadedVersion)),
                Value(Column(changed, o => o.State.Status)), Value(Column(changed, o => o.State.Version)), OptionalTimes(Column(changed, o => o.State.PaidAt)),
                OptionalTimes(Column(changed, o => o.State.ShippedAt)), OptionalTimes(Column(changed, o => o.State.CancelledAt)));
        }
    }

    private static void AddLines(NpgsqlBatch batch, Tracked<OrderState>[] created)
    {
        var lines = created.SelectMany(order => order.State.Items.Select((line, index) => (order.State.OrderId, Number: index + 1, Line: line))).ToArray();
        batch.Add("insert into order_items (order_id, line_no, product_id, quantity, price) select * from unnest($1, $2, $3, $4, $5)",
            Value(Column(lines, l => l.OrderId)), Value(Column(lines, l => l.Number)), Value(Column(lines, l => l.Line.ProductId)),
            Value(Column(lines, l => l.Line.Quantity)), Value(Column(lines, l => l.Line.Price)));
    }

    private static void AddCommandLog(NpgsqlBatch batch, GroupDecision decision, DateTimeOffset now)
    {
        if (decision.NewLog.Count == 0) return;
        var rows = decision.NewLog.OrderBy(row => row.Key, StringComparer.Ordinal).ToArray();
        var insert = "insert into command_log (command_id, payload_hash, result, at) select u.*, $4 from unnest($1, $2, $3) as u";
#if SEEDED_BUGS
        if (SeededBug.IsOn(SeededBug.NoUniqueKey)) insert += " on conflict do nothing";
#endif
        batch.Add(insert,
            Value(Column(rows, row => row.Key)), Value(Column(rows, row => row.Value.PayloadHash)),
            Json(Column(rows, row => JsonSerializer.Serialize(row.Value.Result, DecidingJson.Default.LoggedResult))),
            Value(now));
    }

    // Sorted by key: two processes that insert the same ids do it in the same order, so that neither can wait for the other in a circle.
    private static (Tracked<TState>[] Created, Tracked<TState>[] Changed) Sort<TState>(Dictionary<string, Tracked<TState>> aggregates)
    {
        var dirty = aggregates.Where(entry => entry.Value.Changed).OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => entry.Value).ToArray();
        return ([.. dirty.Where(tracked => tracked.LoadedVersion == 0)], [.. dirty.Where(tracked => tracked.LoadedVersion > 0)]);
    }

    private static void AddUpdate(NpgsqlBatch batch, string update, int expectedRows, params ReadOnlySpan<NpgsqlParameter> parameters) =>
        batch.Add($"with updated as ({update} returning 1) select expect_rows((select count(*) from updated), $1)", [Value((long)expectedRows), .. parameters]);

    private static TValue[] Column<TRow, TValue>(TRow[] rows, Func<TRow, TValue> value) => Array.ConvertAll(rows, row => value(row));
}
