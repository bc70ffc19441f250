using Shop.ServiceDefaults.Messaging;

namespace Shop.Tests.ServiceDefaults.Messaging;

public sealed class ServiceBusConnectionStringTests
{
    private const string Azure = "Endpoint=sb://shop.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=a2V5+/==";

    [Fact]
    public void Azure_means_TLS_and_a_key_may_end_in_equals_signs()
    {
        var parsed = ServiceBusConnectionString.Parse(Azure);

        Assert.Equal(("shop.servicebus.windows.net", 5671, true), (parsed.Host, parsed.Port, parsed.UseTls));
        Assert.Equal(("Root", "a2V5+/=="), (parsed.SharedAccessKeyName, parsed.SharedAccessKey));
        Assert.Null(parsed.Topic);
    }

    [Theory]
    [InlineData("Endpoint=sb://localhost;SharedAccessKeyName=Root;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;", 5672)]
    [InlineData("Endpoint=sb://localhost:5104;SharedAccessKeyName=Root;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true", 5104)]
    [InlineData("endpoint = sb://localhost:5104/ ; usedevelopmentemulator = True", 5104)]
    public void An_emulator_means_plain_TCP(string text, int port)
    {
        var parsed = ServiceBusConnectionString.Parse(text);

        Assert.Equal(("localhost", port, false), (parsed.Host, parsed.Port, parsed.UseTls));
    }

    [Theory]
    [InlineData(";UseDevelopmentEmulator=true;;EntityPath=shop-events", "shop-events", null)]
    [InlineData(";UseDevelopmentEmulator=true;;EntityPath=shop-events/Subscriptions/projector;", "shop-events", "projector")]
    [InlineData(";;;EntityPath=/other/subscriptions/second/", "other", "second")]
    public void Stray_semicolons_and_an_entity_path_are_understood(string suffix, string topic, string? subscription)
    {
        var parsed = ServiceBusConnectionString.Parse(Azure + suffix);

        Assert.Equal((topic, subscription), (parsed.Topic, parsed.Subscription));
    }

    [Theory]
    [InlineData("shop.servicebus.windows.net")]
    [InlineData("sb://shop.servicebus.windows.net/")]
    [InlineData("https://shop.servicebus.windows.net:443/")]
    public void A_bare_namespace_wants_a_token_instead_of_a_key(string text)
    {
        var parsed = ServiceBusConnectionString.Parse(text);

        Assert.Equal(("shop.servicebus.windows.net", 5671, true), (parsed.Host, parsed.Port, parsed.UseTls));
        Assert.Null(parsed.SharedAccessKey);
    }

    [Fact]
    public void An_AMQP_URI_means_RabbitMQ()
    {
        var parsed = ServiceBusConnectionString.Parse("amqp://shop:p%40ss@rabbit:5673");

        Assert.Equal((BusDialect.RabbitMq, "rabbit", 5673, false), (parsed.Dialect, parsed.Host, parsed.Port, parsed.UseTls));
        Assert.Equal(("shop", "p@ss"), (parsed.SharedAccessKeyName, parsed.SharedAccessKey));
    }

    [Theory]
    [InlineData("")]
    [InlineData("SharedAccessKeyName=Root;SharedAccessKey=topsecret")]
    [InlineData("Endpoint=sb://shop.servicebus.windows.net;SharedAccessKey=topsecret")]
    [InlineData("Endpoint=sb://shop.servicebus.windows.net")]
    [InlineData("Endpoint=not a uri;SharedAccessKeyName=Root;SharedAccessKey=topsecret")]
    [InlineData("Endpoint=sb://shop.servicebus.windows.net;SharedAccessKeyName=Root;SharedAccessKey=topsecret;topsecret")]
    [InlineData("Endpoint=sb://shop;SharedAccessKeyName=Root;SharedAccessKey=topsecret;UseDevelopmentEmulator=topsecret")]
    [InlineData("amqp://topsecret@rabbit")]
    [InlineData("amqp://user:topsecret@rabbit:port")]
    public void What_is_wrong_is_said_without_the_key(string text)
    {
        var exception = Assert.Throws<FormatException>(() => ServiceBusConnectionString.Parse(text));

        Assert.DoesNotContain("topsecret", exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Printing_it_leaves_the_key_out()
    {
        var parsed = ServiceBusConnectionString.Parse(Azure + ";EntityPath=shop-events");

        Assert.Equal("amqps://shop.servicebus.windows.net:5671/shop-events", parsed.ToString());
    }
}
