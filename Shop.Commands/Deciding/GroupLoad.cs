using Npgsql;
using Shop.Commands.Database;
using Shop.Contracts.Commands;
using Shop.Contracts.Events;
#if SEEDED_BUGS
using Shop.ServiceDefaults.Reliability;
#endif
using static Shop.Commands.Database.Sql;

namespace Shop.Commands.Deciding;

/// <summary>The first round trip of a group: opens the transaction, claims the group id, locks the targets, reads what decisions need.</summary>
internal static class GroupLoad
{
    /// <summary>Reads the state that the group's commands are decided against.</summary>
    /// <exception cref="PostgresException">23505 on <c>command_group_pkey</c>: this group has been committed before.</exception>
    public static async Task<GroupState> RunAsync(
        NpgsqlConnection connection, Guid groupId, IReadOnlyList<Submission> submissions, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var keys = Keys.Of(submissions);
#if SEEDED_BUGS
        // Looked up before the targets are locked, and GroupWrite does not mind a second row: checked, then acted.
        if (SeededBug.IsOn(SeededBug.NoUniqueKey)) keys.CommandIds.IntersectWith(await LoggedAlreadyAsync(connection, keys.CommandIds, cancellationToken));
#endif
        var state = new GroupState();
        var orders = new List<(OrderState Order, byte[] CreatedHash)>();
        var lines = new Dictionary<string, List<OrderStateLine>>(StringComparer.Ordinal);
        await using var batch = new NpgsqlBatch(connection);
        batch.Add("begin");
        batch.Add("insert into command_group (group_id, at) values ($1, $2)", Value(groupId), Value(now));

        // What the group does not need is not asked for: a statement costs the server more than a row does.
        // Locks in key order, kind by kind, so that two groups can never wait for each other. What is read without a lock comes in later
        // statements, which see everything that was committed while this group waited for its locks.
        var results = new List<Action<NpgsqlDataReader>>();
        Read(keys.TargetOrders, reader => orders.Add((Order(reader), reader.GetFieldValue<byte[]>(9))), """
            select order_id, customer_id, order_date, total_amount, status, version, paid_at, shipped_at, cancelled_at, created_hash
            from orders where order_id = any($1) order by order_id for no key update
            """);
        Read(keys.TargetCustomers, reader => AddCustomer(state, reader),
            "select customer_id, name, version, name_version, created_hash from customers where customer_id = any($1) order by customer_id for no key update");
        Read(keys.TargetProducts, reader => AddProduct(state, reader),
            "select product_id, name, price, discontinued, version, name_version, created_hash from products where product_id = any($1) order by product_id for no key update");
        Read(keys.CommandIds, reader => AddLogged(state, reader),
            "select command_id, payload_hash, result ->> 'kind', result ->> 'id', (result ->> 'version')::int, (result ->> 'created')::boolean from command_log where command_id = any($1)");
        Read(keys.ReferencedCustomers, reader => AddCustomer(state, reader),
            "select customer_id, name, version, name_version, created_hash from customers where customer_id = any($1)");
        Read(keys.ChangedOrders, reader => AddCustomer(state, reader), """
            select c.customer_id, c.name, c.version, c.name_version, c.created_hash from customers c
            where c.customer_id = any(array(select o.customer_id from orders o where o.order_id = any($1)))
            """);
        Read(keys.ReferencedProducts, reader => AddProduct(state, reader),
            "select product_id, name, price, discontinued, version, name_version, created_hash from products where product_id = any($1)");
        Read(keys.ChangedOrders, reader => AddLine(lines, reader), """
            select i.order_id, i.product_id, p.name, p.name_version, i.quantity, i.price
            from order_items i join products p on p.product_id = i.product_id
            where i.order_id = any($1) order by i.order_id, i.line_no
            """);

        await using (var reader = await batch.ExecuteReaderAsync(cancellationToken))
        {
            foreach (var add in results)
            {
                while (await reader.ReadAsync(cancellationToken)) add(reader);
                await reader.NextResultAsync(cancellationToken);
            }
        }

        foreach (var (order, createdHash) in orders) state.Orders.Add(order.OrderId, new(Complete(order, state, lines), createdHash, order.Version));
        return state;

        void Read(HashSet<string> ids, Action<NpgsqlDataReader> add, string statement)
        {
            if (ids.Count == 0) return;
            batch.Add(statement, Texts(ids));
            results.Add(add);
        }
    }

#if SEEDED_BUGS
    private static async Task<HashSet<string>> LoggedAlreadyAsync(NpgsqlConnection connection, HashSet<string> ids, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("select command_id from command_log where command_id = any($1)", connection) { Parameters = { Texts(ids) } };
        var logged = new HashSet<string>(StringComparer.Ordinal);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken)) logged.Add(reader.GetString(0));
        return logged;
    }
#endif

    private static OrderState Order(NpgsqlDataReader reader) => new(
        reader.GetString(0), reader.GetInt32(5), reader.GetString(1), CustomerName: "", CustomerVersion: 0,
        reader.GetFieldValue<DateTimeOffset>(2), reader.GetDecimal(3), reader.GetString(4), Items: [],
        Time(reader, 6), Time(reader, 7), Time(reader, 8));

    // An order that is only placed again needs neither names nor lines: it is answered from its hash.
    private static OrderState Complete(OrderState order, GroupState state, Dictionary<string, List<OrderStateLine>> lines) => order with
    {
        CustomerName = state.Customers.TryGetValue(order.CustomerId, out var customer) ? customer.State.Name : "",
        CustomerVersion = customer?.State.NameVersion ?? 0,
        Items = lines.TryGetValue(order.OrderId, out var own) ? own : [],
    };

    private static void AddCustomer(GroupState state, NpgsqlDataReader reader)
    {
        var customer = new CustomerState(reader.GetString(0), reader.GetString(1), reader.GetInt32(2), reader.GetInt32(3));
        state.Customers.TryAdd(customer.CustomerId, new(customer, reader.GetFieldValue<byte[]>(4), customer.Version));
    }

    private static void AddLogged(GroupState state, NpgsqlDataReader reader) => state.Log.Add(reader.GetString(0), new LoggedCommand(
        reader.GetFieldValue<byte[]>(1), new LoggedResult(reader.GetString(2), reader.GetString(3), reader.GetInt32(4), reader.GetBoolean(5))));

    private static void AddLine(Dictionary<string, List<OrderStateLine>> lines, NpgsqlDataReader reader)
    {
        var orderId = reader.GetString(0);
        if (!lines.TryGetValue(orderId, out var list)) lines.Add(orderId, list = []);
        list.Add(new OrderStateLine(reader.GetString(1), reader.GetString(2), reader.GetInt32(3), reader.GetInt32(4), reader.GetDecimal(5)));
    }

    private static void AddProduct(GroupState state, NpgsqlDataReader reader)
    {
        var product = new ProductState(reader.GetString(0), reader.GetString(1), reader.GetDecimal(2), reader.GetBoolean(3), reader.GetInt32(4), reader.GetInt32(5));
        state.Products.TryAdd(product.ProductId, new(product, reader.GetFieldValue<byte[]>(6), product.Version));
    }

    private static DateTimeOffset? Time(NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetFieldValue<DateTimeOffset>(column);

    /// <summary>Every id the group names, by what has to be read for it.</summary>
    private sealed class Keys
    {
        public HashSet<string> TargetOrders { get; } = new(StringComparer.Ordinal);
        public HashSet<string> TargetCustomers { get; } = new(StringComparer.Ordinal);
        public HashSet<string> TargetProducts { get; } = new(StringComparer.Ordinal);
        public HashSet<string> ChangedOrders { get; } = new(StringComparer.Ordinal);
        public HashSet<string> ReferencedCustomers { get; } = new(StringComparer.Ordinal);
        public HashSet<string> ReferencedProducts { get; } = new(StringComparer.Ordinal);
        public HashSet<string> CommandIds { get; } = new(StringComparer.Ordinal);

        public static Keys Of(IReadOnlyList<Submission> submissions)
        {
            var keys = new Keys();
            foreach (var submission in submissions)
            {
                if (submission.Command.CommandId is { } commandId) keys.CommandIds.Add(commandId);
                var targets = submission.Target.Kind switch
                {
                    AggregateKind.Customer => keys.TargetCustomers,
                    AggregateKind.Product => keys.TargetProducts,
                    _ => keys.TargetOrders,
                };
                targets.Add(submission.Target.Id);
                if (submission.Command is PlaceOrder place)
                {
                    keys.ReferencedCustomers.Add(place.CustomerId);
                    foreach (var line in place.Items) keys.ReferencedProducts.Add(line.ProductId);
                }
                else if (submission.Target.Kind == AggregateKind.Order)
                {
                    keys.ChangedOrders.Add(submission.Target.Id);
                }
            }

            return keys;
        }
    }
}
