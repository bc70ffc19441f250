-- The partitions that nobody needs any more, oldest first: every shard has a later row (so numbering never starts again), every row has been
-- acknowledged, and the youngest is older than the cutoff. A partition whose detaching was interrupted is listed too.
create function outbox_expired(cutoff timestamptz) returns table (partition_name text, detaching boolean) language plpgsql as $$
declare
    passed   bigint := (select min(s.acked) from outbox_shard s);
    entry    record;
    youngest timestamptz;
begin
    for entry in
        select c.relname as name, i.inhdetachpending as pending,
               (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''?(\d+)''?\)'))[1]::bigint as upper_bound
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'outbox'::regclass
        order by 3
    loop
        if entry.pending then
            partition_name := entry.name; detaching := true;
            return next;
        elsif entry.upper_bound <= passed then
            execute format('select max(o.occurred_at) from outbox_shard s cross join lateral
                (select p.occurred_at from %I p where p.shard = s.shard order by p.position desc limit 1) o', entry.name) into youngest;
            exit when youngest >= cutoff;
            partition_name := entry.name; detaching := false;
            return next;
        end if;
    end loop;
end $$;
