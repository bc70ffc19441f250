using System.Net;
using System.Net.Sockets;
using Shop.Chaos.Schedule;
using Shop.Chaos.Stage;
using Shop.Local.Supervision;

namespace Shop.Tests.Chaos;

public sealed class PairProxyTests : IAsyncLifetime
{
    private readonly TcpListener echo = new(IPAddress.Loopback, 0);
    private readonly int port = FreePort.Next();
    private PairProxy proxy = null!;
    private Task echoing = Task.CompletedTask;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        echo.Start();
        echoing = EchoAsync();
        proxy = new PairProxy(port, ((IPEndPoint)echo.LocalEndpoint).Port, TimeProvider.System);
        return default;
    }

    public async ValueTask DisposeAsync()
    {
        await proxy.DisposeAsync();
        echo.Stop();
        await echoing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    [Fact]
    public async Task What_is_said_arrives_and_a_slow_connection_only_takes_longer()
    {
        using var client = await ConnectAsync();
        Assert.True(await AnswersAsync(client));
        proxy.Begin(NetFaults.Slow, TimeSpan.FromMilliseconds(20));
        Assert.True(await AnswersAsync(client));
        Assert.Equal(2, proxy.End());
    }

    [Fact]
    public async Task A_fault_that_meets_no_packet_says_that_nothing_has_suffered()
    {
        using var client = await ConnectAsync();
        Assert.True(await AnswersAsync(client));
        proxy.Begin(NetFaults.LostRequest, TimeSpan.Zero);
        Assert.Equal(0, proxy.End());
    }

    [Fact]
    public async Task A_cut_connection_is_reset_and_new_ones_are_until_the_end()
    {
        using var client = await ConnectAsync();
        Assert.True(await AnswersAsync(client));
        proxy.Begin(NetFaults.Cut, TimeSpan.Zero);
        Assert.False(await AnswersAsync(client));
        // Reset while it connects, or right after.
        var refused = await Record.ExceptionAsync(async () =>
        {
            using var late = await ConnectAsync();
            if (!await AnswersAsync(late)) throw new SocketException((int)SocketError.ConnectionReset);
        });
        Assert.IsType<SocketException>(refused);
        proxy.End();
        using var again = await ConnectAsync();
        Assert.True(await AnswersAsync(again));
    }

    [Theory, InlineData(NetFaults.HalfOpen, true), InlineData(NetFaults.HalfOpenLost, false), InlineData(NetFaults.Deaf, true)]
    public async Task A_half_open_connection_is_silent_and_in_the_end_delivers_or_is_reset(string fault, bool delivers)
    {
        using var client = await ConnectAsync();
        Assert.True(await AnswersAsync(client));
        proxy.Begin(fault, TimeSpan.Zero);
        var answer = AnswersAsync(client);
        // What passes a loopback in microseconds has not come after a while.
        Assert.NotSame(answer, await Task.WhenAny(answer, Task.Delay(150, Token)));
        proxy.End();
        Assert.Equal(delivers, await answer);
    }

    [Theory, InlineData(NetFaults.LostRequest), InlineData(NetFaults.LostAnswer)]
    public async Task A_lost_request_and_a_lost_answer_look_the_same_to_the_caller(string fault)
    {
        using var client = await ConnectAsync();
        Assert.True(await AnswersAsync(client));
        proxy.Begin(fault, TimeSpan.Zero);
        Assert.False(await AnswersAsync(client));
        // The next one is not lost as well, or nobody would get far enough to lose more than a greeting.
        await Eventually.TrueAsync(
            async () =>
            {
                using var next = await ConnectAsync();
                return await AnswersAsync(next);
            },
            "one of the next gets through", Token);
        Assert.True(proxy.End() > 0);
        using var again = await ConnectAsync();
        Assert.True(await AnswersAsync(again));
    }

    private async Task<TcpClient> ConnectAsync()
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, Token);
        return client;
    }

    private static async Task<bool> AnswersAsync(TcpClient client)
    {
        try
        {
            await client.GetStream().WriteAsync("ping"u8.ToArray(), Token);
            return await client.GetStream().ReadAsync(new byte[16], Token) == 4;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private async Task EchoAsync()
    {
        while (true)
        {
            var client = await echo.AcceptTcpClientAsync();
            _ = client.GetStream().CopyToAsync(client.GetStream());
        }
    }
}
