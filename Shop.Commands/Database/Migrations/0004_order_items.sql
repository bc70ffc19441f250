create table order_items (
    order_item_id bigint generated always as identity primary key,
    order_id      text not null references orders,
    line_no       int not null check (line_no between 1 and 1000),
    product_id    text not null references products,
    quantity      int not null check (quantity > 0),
    price         numeric(12,2) not null check (price >= 0),
    unique (order_id, line_no)
);
