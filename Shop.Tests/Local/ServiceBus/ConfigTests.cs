using Shop.Local.ServiceBus;

namespace Shop.Tests.Local.ServiceBus;

public sealed class ConfigTests
{
    [Theory]
    [InlineData("""{ "UserConfig": { "Namespaces": [ { "Queues": [ { "Name": "q", "Properties": { "ForwardTo": "x" } } ] } ] } }""",
        "UserConfig.Namespaces[0].Queues[0].Properties.ForwardTo is not supported")]
    [InlineData("""{ "UserConfig": { "Namespaces": [ { "Queues": [ { "Name": "q", "Properties": { "RequiresDuplicateDetection": true } } ] } ] } }""",
        "Properties.RequiresDuplicateDetection = true is not supported")]
    [InlineData("""{ "UserConfig": { "Namespaces": [ { "Queues": [ { "Name": "q", "Properties": { "Colour": "red" } } ] } ] } }""",
        "Properties.Colour is not supported")]
    [InlineData("""{ "UserConfig": { "Namespaces": [ { "Topics": [ { "Name": "t", "Subscriptions": [ { "Name": "s", "Rules": [ { "Name": "r", "Properties": { "FilterType": "Sql" } } ] } ] } ] } ] } }""",
        "FilterType must be Correlation")]
    [InlineData("""{ "UserConfig": { "Namespaces": [ { "Queues": [ { "Name": "q", "Properties": { "LockDuration": "PT1H" } } ] } ] } }""",
        "The LockDuration of 'q' must be between 1 second and 5 minutes")]
    [InlineData("""{ "UserConfig": { "Namespaces": [ { "Queues": [ { "Name": "q" }, { "Name": "Q" } ] } ] } }""", "The entity 'Q' is defined twice")]
    [InlineData("""{ "UserConfig": { "Namespaces": [ { "Queues": [ { } ] } ] } }""", "cannot be the name of a queue or topic")]
    [InlineData("""[]""", "The file must be an object")]
    [InlineData("""{ "UserConfig": """, "cannot be read")]
    public async Task What_is_not_supported_is_named_and_refused(string json, string sentence)
    {
        using var directory = new TemporaryDirectory();
        var path = Path.Combine(directory.Path, "Config.json");
        await File.WriteAllTextAsync(path, json, TestContext.Current.CancellationToken);
        var error = await Assert.ThrowsAsync<BrokerStartException>(() =>
            BrokerServer.StartAsync(new BrokerOptions { ConfigPath = path }, TestContext.Current.CancellationToken));
        Assert.Contains(sentence, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_in_use_is_one_sentence_and_exit_code_1()
    {
        await using var broker = await BrokerServer.StartAsync(new BrokerOptions(), TestContext.Current.CancellationToken);
        var (exitCode, error) = await BrokerProcess.FailAsync(TestContext.Current.CancellationToken, "--port", $"{broker.Port}");
        Assert.Equal(1, exitCode);
        Assert.Matches($@"^Port {broker.Port} on 127\.0\.0\.1 cannot be used: [^\n]*\n$", error);
    }
}
