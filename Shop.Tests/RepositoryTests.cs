namespace Shop.Tests;

public sealed class RepositoryTests
{
    [Fact]
    public void The_test_runner_runs() => Assert.True(true);
}
