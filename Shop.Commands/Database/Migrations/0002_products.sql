create table products (
    product_id   text primary key check (length(product_id) between 1 and 64),
    name         text not null check (length(name) between 1 and 200),
    price        numeric(12,2) not null check (price >= 0),
    discontinued boolean not null,
    version      int not null check (version >= 1),
    name_version int not null check (name_version between 1 and version),
    created_hash bytea not null
);
