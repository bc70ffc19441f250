-- Aggregates are assigned to shards by a hash modulo their number, so it is chosen before there are events.
create function refuse_shards() returns trigger language plpgsql as $$
begin
    if exists (select 1 from outbox) or exists (select 1 from outbox_shard where acked > 0) then
        raise exception 'the number of shards can only be changed before the first event' using errcode = 'SH002';
    end if;
    return null;
end $$;

create trigger shards_are_fixed after insert or delete or truncate on outbox_shard for each statement execute function refuse_shards();
