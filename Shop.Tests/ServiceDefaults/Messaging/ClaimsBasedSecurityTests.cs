using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Web;
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
        options.SignatureLifetime = TimeSpan.FromSeconds(2);
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

    private static BusClientOptions Options(ScriptedBroker broker, string key) =>
        TestEvents.Options($"Endpoint=sb://127.0.0.1:{broker.Port};SharedAccessKeyName=Root;SharedAccessKey={key};UseDevelopmentEmulator=true");

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
