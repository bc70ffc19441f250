using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Web;
using Azure.Core;
using Shop.Local.ServiceBus;
using Shop.ServiceDefaults.Messaging;

namespace Shop.Tests.ServiceDefaults.Messaging;

public sealed class ClaimsBasedSecurityTests
{
    private const string Key = "c2VjcmV0LWtleS1mb3ItdGVzdHM=";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_signature_is_put_for_the_entity_before_the_link_and_renewed_in_time()
    {
        using var broker = new ScriptedBroker(_ => null) { Authorize = Verify };
        var options = Options(broker, Key);
        options.SignatureLifetime = TimeSpan.FromSeconds(4);
        await using var client = new BusClient(options);

        var publisher = client.CreatePublisher(ScriptedBroker.Topic);
        Assert.Equal(PublishStatus.Accepted, (await publisher.PublishAsync([TestEvents.Create(1)], Token))[0].Status);
        await TestEvents.UntilAsync(() => broker.Tokens.Count >= 2, Token);

        Assert.All(broker.Tokens, token => Assert.Equal("sb://127.0.0.1/shop-events", token.Audience));
        Assert.True(publisher.State is { Connection: BusConnection.Connected, LastError: null });
    }

    [Fact]
    public async Task A_wrong_key_shows_in_the_state_and_is_tried_again()
    {
        using var broker = new ScriptedBroker(_ => null) { Authorize = Verify };
        await using var client = new BusClient(Options(broker, "another key"));

        var publisher = client.CreatePublisher(ScriptedBroker.Topic);
        await TestEvents.UntilAsync(() => publisher.State.Connection == BusConnection.Disconnected && broker.Tokens.Count >= 2, Token);

        Assert.Contains("401 InvalidSignature", publisher.State.LastError, StringComparison.Ordinal);
        Assert.DoesNotContain("another key", publisher.State.LastError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_that_becomes_valid_lets_the_publisher_in_without_a_restart()
    {
        var valid = false;
        using var broker = new ScriptedBroker(_ => null) { Authorize = token => Volatile.Read(ref valid) ? Verify(token) : (401, "NotYet") };
        await using var client = new BusClient(Options(broker, Key));
        var publisher = client.CreatePublisher(ScriptedBroker.Topic);
        await TestEvents.UntilAsync(() => publisher.State.LastError is not null, Token);

        Volatile.Write(ref valid, true);

        Assert.Equal(PublishStatus.Accepted, (await publisher.PublishAsync([TestEvents.Create(1)], Token))[0].Status);
    }

    [Fact]
    public async Task An_Entra_ID_token_is_put_and_renewed_two_minutes_before_it_ends()
    {
        using var broker = new ScriptedBroker(_ => null);
        var credential = new CountingCredential();
        var options = TestEvents.Options("shop.servicebus.windows.net");
        options.Credential = credential;
        // Without TLS, which is not what this is about.
        options.ConnectionString = options.ConnectionString with { Host = "127.0.0.1", Port = broker.Port, UseTls = false };
        await using var client = new BusClient(options);

        var publisher = client.CreatePublisher(ScriptedBroker.Topic);
        Assert.Equal(PublishStatus.Accepted, (await publisher.PublishAsync([TestEvents.Create(1)], Token))[0].Status);
        await TestEvents.UntilAsync(() => broker.Tokens.Count >= 2, Token);

        Assert.Equal([("token-1", "jwt"), ("token-2", "jwt")], broker.Tokens.Take(2).Select(token => (token.Token, token.Type)));
        Assert.Equal("https://servicebus.azure.net/.default", credential.Scope);
    }

    [Theory]
    [InlineData(Key, true)]
    [InlineData("another key", false)]
    public async Task The_local_broker_verifies_signatures_when_it_is_told_to(string key, bool isLetIn)
    {
        await using var broker = await BrokerServer.StartAsync(
            new BrokerOptions { SharedAccessKeyName = "Root", SharedAccessKey = Key }, Token);
        await using var client = new BusClient(
            TestEvents.Options($"Endpoint=sb://127.0.0.1:{broker.Port};SharedAccessKeyName=Root;SharedAccessKey={key};UseDevelopmentEmulator=true"));

        var publisher = client.CreatePublisher("shop-events");
        var receiver = client.CreateReceiver("shop-events", "projector");
        await TestEvents.UntilAsync(
            () => client.States.All(state => isLetIn ? state.Connection == BusConnection.Connected : state.LastError?.Contains("401", StringComparison.Ordinal) == true), Token);

        if (!isLetIn) return;
        Assert.Equal(PublishStatus.Accepted, (await publisher.PublishAsync([TestEvents.Create(1)], Token))[0].Status);
        Assert.Single(await TestEvents.ReceiveAsync(receiver, 1, Token));
    }

    private static BusClientOptions Options(ScriptedBroker broker, string key) =>
        TestEvents.Options($"Endpoint=sb://127.0.0.1:{broker.Port};SharedAccessKeyName=Root;SharedAccessKey={key};UseDevelopmentEmulator=true");

    private sealed class CountingCredential : TokenCredential
    {
        private int count;

        public string? Scope { get; private set; }

        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken)
        {
            Scope = requestContext.Scopes.Single();
            return new($"token-{++count}", TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(121));
        }

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken) =>
            ValueTask.FromResult(GetToken(requestContext, cancellationToken));
    }

    // The broker's side of the calculation, from the documentation rather than from the client's code.
    private static (int, string) Verify(string token)
    {
        var parts = HttpUtility.ParseQueryString(token["SharedAccessSignature ".Length..]);
        var signed = $"{WebUtility.UrlEncode(parts["sr"])}\n{parts["se"]}";
        var expected = Convert.ToBase64String(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Key), Encoding.UTF8.GetBytes(signed)));
        var expiry = DateTimeOffset.FromUnixTimeSeconds(long.Parse(parts["se"]!, System.Globalization.CultureInfo.InvariantCulture));
        return parts["sig"] != expected ? (401, "InvalidSignature") : expiry < TimeProvider.System.GetUtcNow() ? (401, "ExpiredToken") : (202, "Accepted");
    }
}
