create table orders (
    order_id     text primary key check (length(order_id) between 1 and 64),
    customer_id  text not null references customers,
    order_date   timestamptz not null,
    total_amount numeric(14,2) not null check (total_amount >= 0),
    status       text not null check (status in ('Pending', 'Paid', 'Shipped', 'Cancelled')),
    version      int not null check (version >= 1),
    paid_at      timestamptz,
    shipped_at   timestamptz,
    cancelled_at timestamptz,
    created_hash bytea not null
);
