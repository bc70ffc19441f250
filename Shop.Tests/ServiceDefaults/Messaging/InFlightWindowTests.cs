using Shop.ServiceDefaults.Messaging.Transport;

namespace Shop.Tests.ServiceDefaults.Messaging;

public sealed class InFlightWindowTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Who_waits_goes_on_in_order_as_soon_as_there_is_room()
    {
        var window = new InFlightWindow(2);
        Assert.True(await window.EnterAsync(2, Token));
        var first = window.EnterAsync(1, Token).AsTask();
        var second = window.EnterAsync(1, Token).AsTask();
        Assert.False(first.IsCompleted || second.IsCompleted);

        window.Leave(1);
        Assert.True(await first);
        Assert.False(second.IsCompleted);

        window.Leave(1);
        Assert.True(await second);
    }

    [Fact]
    public async Task A_cancelled_one_takes_no_place()
    {
        var window = new InFlightWindow(1);
        await window.EnterAsync(1, Token);
        using var cancelled = new CancellationTokenSource();
        var first = window.EnterAsync(1, cancelled.Token).AsTask();
        var second = window.EnterAsync(1, Token).AsTask();

        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        window.Leave(1);

        Assert.True(await second);
    }

    [Fact]
    public async Task Closing_sends_everybody_away()
    {
        var window = new InFlightWindow(1);
        await window.EnterAsync(1, Token);
        var waiting = window.EnterAsync(1, Token).AsTask();

        window.Close();

        Assert.False(await waiting);
        Assert.False(await window.EnterAsync(1, Token));
    }
}
