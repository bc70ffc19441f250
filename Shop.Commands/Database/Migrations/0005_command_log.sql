create table command_log (
    command_id   text primary key check (length(command_id) between 1 and 64),
    payload_hash bytea not null,
    result       jsonb not null,
    at           timestamptz not null
);

comment on table command_log is 'The first answer to every successful command that came with an id, written with its effect.';
