-- The append-only log of events. Positions are gap-free and in commit order per shard; a partition holds a range of positions of every shard.
create table outbox (
    shard       smallint not null,
    position    bigint not null,
    event_id    uuid not null,
    type        text not null,
    subject     text not null,
    version     int not null,
    occurred_at timestamptz not null,
    traceparent text,
    data        bytea not null,
    primary key (shard, position)
) partition by range (position);

comment on column outbox.data is 'The event''s JSON body in UTF-8: convert_from(data, ''UTF8'')::json.';

create table outbox_shard (
    shard smallint primary key,
    acked bigint not null default 0 check (acked >= 0)
) with (fillfactor = 50);

comment on table outbox_shard is 'One row per shard: their number is the shard count. acked: every position up to it has been accepted by the broker or parked.';

insert into outbox_shard (shard) select generate_series(0, 3);
