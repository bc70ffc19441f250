create table customers (
    customer_id  text primary key check (length(customer_id) between 1 and 64),
    name         text not null check (length(name) between 1 and 200),
    version      int  not null check (version >= 1),
    name_version int  not null check (name_version between 1 and version),
    created_hash bytea not null
);

comment on column customers.name_version is 'The version at which the name was last set.';
comment on column customers.created_hash is 'SHA-256 of the creating command, so that sending it again is recognised as a retry.';
