-- Makes sure that positions up to the highest one plus two whole partitions have a place; returns how many partitions were added.
create function outbox_extend(partition_size bigint) returns int language plpgsql as $$
declare
    head  bigint := (select greatest(coalesce(max(h.position), 0), 0)
                     from outbox_shard s
                     cross join lateral (select o.position from outbox o where o.shard = s.shard order by o.position desc limit 1) h);
    start bigint;
    name  text;
    added int := 0;
begin
    -- One at a time: two processes extending at once would try to create the same partition.
    perform pg_advisory_xact_lock(hashtext('shop.outbox_extend'));
    start := coalesce((
        select max((regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''?(\d+)''?\)'))[1]::bigint)
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'outbox'::regclass), 0);
    while start < head + 2 * partition_size loop
        -- Created alone and then attached: creating it in place would lock out every reader and writer of the outbox until the last
        -- reader that is there now has ended.
        name := 'outbox_' || lpad(start::text, 16, '0');
        execute format('create table %I (like outbox including defaults including constraints, primary key (shard, position))', name);
        execute format('alter table outbox attach partition %I for values from (%s) to (%s)', name, start, start + partition_size);
        start := start + partition_size;
        added := added + 1;
    end loop;
    return added;
end $$;

select outbox_extend(1000000);
