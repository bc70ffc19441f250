using Shop.ServiceDefaults.Messaging.Transport;

namespace Shop.Tests.ServiceDefaults.Messaging;

public sealed class SharedAccessSignatureTests
{
    [Fact]
    public void The_signature_is_the_one_that_an_independent_calculation_gives()
    {
        // HMAC-SHA256 of "{url-encoded resource}\n{expiry}" under the key's text, calculated with Python's hmac and urllib.
        var signature = SharedAccessSignature.Create(
            "sb://shop.servicebus.windows.net/shop-events", "Send.Only", "c2VjcmV0LWtleS1mb3ItdGVzdHM=", DateTimeOffset.FromUnixTimeSeconds(1767225600));

        Assert.Equal("SharedAccessSignature sr=sb%3A%2F%2Fshop.servicebus.windows.net%2Fshop-events&sig=GgLUj%2FJz36GKVC3TMspc8eTTclJ5ySswSLHLs37E8lQ%3D&se=1767225600&skn=Send.Only", signature);
    }

    [Fact]
    public void Key_name_and_resource_are_encoded()
    {
        var signature = SharedAccessSignature.Create("sb://host/a b&c", "name&sig=x", "key", DateTimeOffset.FromUnixTimeSeconds(1));

        Assert.StartsWith("SharedAccessSignature sr=sb%3A%2F%2Fhost%2Fa+b%26c&sig=", signature, StringComparison.Ordinal);
        Assert.EndsWith("&se=1&skn=name%26sig%3Dx", signature, StringComparison.Ordinal);
    }
}
