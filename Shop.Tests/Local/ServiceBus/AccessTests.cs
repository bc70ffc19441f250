using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Amqp;
using Amqp.Framing;
using Shop.Local.ServiceBus;

namespace Shop.Tests.Local.ServiceBus;

public sealed class AccessTests : IAsyncLifetime
{
    private const string Key = "a-key-for-tests";
    private const string Topic = "shop-events";
    private BrokerServer broker = null!;
    private BrokerClient client = null!;

    public async ValueTask InitializeAsync()
    {
        broker = await BrokerServer.StartAsync(new BrokerOptions { SharedAccessKey = Key }, TestContext.Current.CancellationToken);
        client = await BrokerClient.ConnectAsync(broker.Port);
    }

    public async ValueTask DisposeAsync()
    {
        await client.DisposeAsync();
        await broker.DisposeAsync();
    }

    [Fact]
    public async Task Without_a_token_no_link_is_given() => await RefusesToSendAsync();

    [Fact]
    public async Task A_token_with_a_good_signature_opens_its_entity_and_no_other()
    {
        Assert.Equal(202, await PutAsync(Sign($"sb://localhost/{Topic}", Key, TimeSpan.FromMinutes(5))));
        await client.SendAsync(Topic, "hello");
        var error = await Assert.ThrowsAsync<AmqpException>(() => client.SendAsync("other", "hello"));
        Assert.Equal("amqp:unauthorized-access", error.Error.Condition.ToString());
    }

    [Fact]
    public async Task A_token_signed_with_another_key_is_refused()
    {
        Assert.Equal(401, await PutAsync(Sign($"sb://localhost/{Topic}", "another", TimeSpan.FromMinutes(5))));
        await RefusesToSendAsync();
    }

    [Fact]
    public async Task A_token_with_a_changed_expiry_is_refused()
    {
        var token = Sign($"sb://localhost/{Topic}", Key, TimeSpan.FromMinutes(5));
        Assert.Equal(401, await PutAsync(token.Replace("&se=1", "&se=2", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task An_expired_token_is_refused()
    {
        Assert.Equal(401, await PutAsync(Sign($"sb://localhost/{Topic}", Key, TimeSpan.FromMinutes(-1))));
        await RefusesToSendAsync();
    }

    [Fact]
    public async Task The_key_itself_is_accepted_as_a_password_and_a_wrong_one_is_not()
    {
        var connection = await new ConnectionFactory().CreateAsync(new Address("127.0.0.1", broker.Port, "RootManageSharedAccessKey", Key, "/", "amqp"));
        await new SenderLink(new Session(connection), "s", Topic).SendAsync(BrokerClient.Text("hello"), BrokerClient.Patience);
        await connection.CloseAsync();
        await Assert.ThrowsAnyAsync<AmqpException>(() =>
            new ConnectionFactory().CreateAsync(new Address("127.0.0.1", broker.Port, "RootManageSharedAccessKey", "wrong", "/", "amqp")));
    }

    private async Task RefusesToSendAsync()
    {
        var error = await Assert.ThrowsAsync<AmqpException>(() => client.SendAsync(Topic, "hello"));
        Assert.Equal("amqp:unauthorized-access", error.Error.Condition.ToString());
    }

    private async Task<int> PutAsync(string token)
    {
        var session = new Session(client.Connection);
        var name = $"cbs-{Guid.CreateVersion7()}";
        var sender = new SenderLink(session, name + "-requests", "$cbs");
        var receiver = new ReceiverLink(session, name, new Attach { Source = new Source { Address = "$cbs" }, Target = new Target { Address = name } }, null);
        receiver.SetCredit(1);
        var request = new Message(token)
        {
            Properties = new Properties { MessageId = "1", ReplyTo = name },
            ApplicationProperties = new ApplicationProperties { ["operation"] = "put-token", ["type"] = "servicebus.windows.net:sastoken", ["name"] = "sb://localhost/" },
        };
        await sender.SendAsync(request, BrokerClient.Patience);
        var reply = await receiver.ReceiveAsync(BrokerClient.Patience);
        return (int)reply.ApplicationProperties["status-code"];
    }

    private static string Sign(string resource, string key, TimeSpan life)
    {
        var expiry = TimeProvider.System.GetUtcNow().Add(life).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var encoded = WebUtility.UrlEncode(resource);
        var signature = Convert.ToBase64String(HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes($"{encoded}\n{expiry}")));
        return $"SharedAccessSignature sr={encoded}&sig={WebUtility.UrlEncode(signature)}&se={expiry}&skn=RootManageSharedAccessKey";
    }
}
