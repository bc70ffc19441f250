create table command_group (
    group_id uuid primary key,
    at       timestamptz not null
);

comment on table command_group is
    'One row per committed group. A writer that lost its connection at COMMIT inserts the id again: a conflict says that the commit had happened.';
