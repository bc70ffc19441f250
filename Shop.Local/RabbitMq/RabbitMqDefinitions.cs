using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Shop.Local.ServiceBus;

namespace Shop.Local.RabbitMq;

/// <summary>
/// What a RabbitMQ needs for a shop, in the format of <c>rabbitmqctl import_definitions</c>: for each subscription a durable queue
/// <c>topic.subscription</c>, bound to <c>amq.topic</c> with the topic as key, and its dead-letter queue.
/// </summary>
internal static class RabbitMqDefinitions
{
    private const string Host = "/";
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <param name="quorum">Quorum queues instead of classic ones.</param>
    /// <param name="user">A user to make, who may do everything; null makes none.</param>
    /// <param name="password">That user's password; only its salted hash is written.</param>
    public static string Write(bool quorum, string? user = null, string? password = null)
    {
        var (queues, bindings) = (new JsonArray(), new JsonArray());
        foreach (var topic in BrokerEntities.Shop.Topics)
        {
            foreach (var subscription in topic.Subscriptions)
            {
                var queue = $"{topic.Name}.{subscription.Name}";
                queues.Add(Queue(queue, quorum, $"{queue}.dead-letter"));
                queues.Add(Queue($"{queue}.dead-letter", quorum, null));
                bindings.Add(new JsonObject
                {
                    ["source"] = "amq.topic", ["vhost"] = Host, ["destination"] = queue, ["destination_type"] = "queue", ["routing_key"] = topic.Name,
                    ["arguments"] = new JsonObject(),
                });
            }
        }

        var definitions = new JsonObject { ["queues"] = queues, ["bindings"] = bindings };
        if (user is not null) AddUser(definitions, user, password!);
        return definitions.ToJsonString(Indented);
    }

    private static JsonObject Queue(string name, bool quorum, string? deadLetterQueue)
    {
        var arguments = new JsonObject();
        if (quorum) arguments["x-queue-type"] = "quorum";
        if (deadLetterQueue is not null)
        {
            arguments["x-dead-letter-exchange"] = "";
            arguments["x-dead-letter-routing-key"] = deadLetterQueue;
        }

        return new() { ["name"] = name, ["vhost"] = Host, ["durable"] = true, ["auto_delete"] = false, ["arguments"] = arguments };
    }

    private static void AddUser(JsonObject definitions, string user, string password)
    {
        var salt = RandomNumberGenerator.GetBytes(4);
        var hash = Convert.ToBase64String([.. salt, .. SHA256.HashData([.. salt, .. Encoding.UTF8.GetBytes(password)])]);
        definitions["vhosts"] = new JsonArray(new JsonObject { ["name"] = Host });
        definitions["users"] = new JsonArray(new JsonObject
        {
            ["name"] = user, ["password_hash"] = hash, ["hashing_algorithm"] = "rabbit_password_hashing_sha256", ["tags"] = "",
        });
        definitions["permissions"] = new JsonArray(new JsonObject
        {
            ["user"] = user, ["vhost"] = Host, ["configure"] = ".*", ["write"] = ".*", ["read"] = ".*",
        });
    }
}
