namespace Shop.Tests.Local;

public sealed class ShopCommandLineTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("paint", "'paint'")]
    [InlineData("up --colour", "'--colour'")]
    [InlineData("up --port-base", "--port-base")]
    [InlineData("up --port-base many", "'many'")]
    [InlineData("up --port-base 80", "--port-base takes 1024 to 65000, not 80.")]
    [InlineData("up --data somewhere --ephemeral", "--ephemeral and --data exclude each other")]
    [InlineData("up --data ", "--data takes a directory, not an empty name.")]
    [InlineData("dlq list --colour", "'--colour'")]
    [InlineData("import", "'import'")]
    [InlineData("seed --orders 0", "--orders takes 1 to 999999, not 0.")]
    public async Task What_was_not_understood_is_named_and_the_usage_follows(string line, string named)
    {
        var (exitCode, _, error) = await ShopProgram.RunAsync(line.Split(' '), Token);
        Assert.Equal(2, exitCode);
        Assert.Contains(named, error.Split('\n')[0], StringComparison.Ordinal);
        Assert.Contains("Usage:", error, StringComparison.Ordinal);
        Assert.Contains($"  shop {string.Join(' ', line.Split(' ').TakeWhile(word => word is not "paint" && !word.StartsWith('-')))}", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--prot 1", "'--prot'")]
    [InlineData("--data ", "'--data'")]
    public async Task An_option_that_the_broker_does_not_know_is_named_and_the_usage_follows(string line, string named)
    {
        var (exitCode, _, error) = await ShopProgram.RunAsync(["servicebus", .. line.Split(' ')], Token);
        Assert.Equal(2, exitCode);
        Assert.Contains(named, error.Split('\n')[0], StringComparison.Ordinal);
        Assert.Contains("usage: shop servicebus", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("up")]
    [InlineData("up --detach")]
    [InlineData("postgres")]
    public async Task A_data_directory_that_cannot_be_made_is_said_in_one_sentence(string line)
    {
        using var directory = new TemporaryDirectory();
        var file = Path.Combine(directory.Path, "file");
        await File.WriteAllTextAsync(file, "", Token);
        var (exitCode, _, error) = await ShopProgram.RunAsync([.. line.Split(' '), "--data", file], Token);
        Assert.Equal(1, exitCode);
        Assert.StartsWith($"The data directory {file} cannot be used: ", error, StringComparison.Ordinal);
        Assert.Single(error.Trim().Split('\n'));
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_is_said_in_one_sentence()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "reads /proc");
        using var directory = new TemporaryDirectory();
        // Whoever reads it from the beginning is answered with an error, root too.
        File.CreateSymbolicLink(Path.Combine(directory.Path, "shop.json"), "/proc/self/mem");
        var (exitCode, _, error) = await ShopProgram.RunAsync(["status", "--data", directory.Path], Token);
        Assert.Equal(1, exitCode);
        Assert.DoesNotContain("Unhandled", error, StringComparison.Ordinal);
        Assert.Single(error.Trim().Split('\n'));
    }

    [Fact]
    public async Task Help_names_every_verb()
    {
        var (exitCode, output, _) = await ShopProgram.RunAsync(["help"], Token);
        Assert.Equal(0, exitCode);
        foreach (var verb in new[] { "up", "status", "down", "demo", "test", "seed", "import", "servicebus", "mongo" })
            Assert.Contains($"  {verb} ", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("status")]
    [InlineData("down")]
    [InlineData("seed")]
    [InlineData("import nothing.ndjson")]
    public async Task A_verb_that_needs_a_running_shop_says_that_there_is_none(string line)
    {
        using var directory = new TemporaryDirectory();
        var (exitCode, _, error) = await ShopProgram.RunAsync([.. line.Split(' '), "--data", directory.Path], Token);
        Assert.Equal(1, exitCode);
        Assert.Equal($"No shop is running on {directory.Path}: start one with ./shop up.", error.Trim());
    }
}
