using Shop.Local.Supervision;

namespace Shop.Tests.Local;

public sealed class ChildLogTests
{
    [Fact]
    public void What_a_child_says_once_is_known_however_much_it_says_afterwards()
    {
        using var directory = new TemporaryDirectory();
        using var log = new ChildLog(Path.Combine(directory.Path, "child.log"), "ready to accept connections");
        log.Write("the system is starting up");
        Assert.False(log.HasSeenAwaited);
        log.Write("the system is ready to accept connections");
        for (var line = 0; line < 100; line++) log.Write($"somebody is refused {line}");
        Assert.True(log.HasSeenAwaited);
    }

    /// <summary>Found by <c>./shop chaos</c>: the runner died of a full disk, because a child's output is written where nobody can catch.</summary>
    [Fact]
    public void A_full_disk_costs_the_runner_lines_of_a_log_and_nothing_else()
    {
        if (!File.Exists("/dev/full")) Assert.Skip("A full disk is simulated by /dev/full, which is Linux's.");
        using var log = new ChildLog("/dev/full");
        for (var line = 0; line < 20; line++) log.Write($"line {line}");
        Assert.True(log.Lost > 0);
        Assert.Contains("line 19", log.Tail, StringComparison.Ordinal);
    }
}
