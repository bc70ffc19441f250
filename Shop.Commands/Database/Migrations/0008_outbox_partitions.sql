-- Makes sure that positions up to the highest one plus two whole partitions have a place; returns how many partitions were added.
create function outbox_extend(partition_size bigint) returns int language plpgsql as $$
declare
    head  bigint := (select greatest(coalesce(max(h.position), 0), 0)
                     from outbox_shard s
                     cross join lateral (select o.position from outbox o where o.shard = s.shard order by o.position desc limit 1) h);
    start bigint;
    added int := 0;
begin
    -- One at a time: two processes extending at once would try to create the same partition.
    perform pg_advisory_xact_lock(hashtext('shop.outbox_extend'));
    start := coalesce((
        select max((regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''?(\d+)''?\)'))[1]::bigint)
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'outbox'::regclass), 0);
    while start < head + 2 * partition_size loop
        execute format('create table %I partition of outbox for values from (%s) to (%s)',
                       'outbox_' || lpad(start::text, 16, '0'), start, start + partition_size);
        start := start + partition_size;
        added := added + 1;
    end loop;
    return added;
end $$;

select outbox_extend(1000000);
