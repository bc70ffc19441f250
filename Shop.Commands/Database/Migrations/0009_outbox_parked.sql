create table outbox_parked (
    event_id    uuid primary key,
    shard       smallint not null,
    position    bigint not null,
    type        text not null,
    subject     text not null,
    version     int not null,
    occurred_at timestamptz not null,
    traceparent text,
    data        bytea not null,
    reason      text not null,
    parked_at   timestamptz not null
);

comment on table outbox_parked is 'Events that the broker refused for good, kept until somebody replays them.';
