using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Shop.Chaos.Schedule;

namespace Shop.Chaos.Stage;

/// <summary>A TCP hop between two parts that can cut, hold back or slow down what passes.</summary>
internal sealed class PairProxy : IAsyncDisposable
{
    private readonly TcpListener listener;
    private readonly int target;
    private readonly TimeProvider time;
    private readonly CancellationTokenSource stopping = new();
    private readonly ConcurrentDictionary<Hop, bool> open = new();
    private readonly Task accepting;
    private volatile State state;

    public PairProxy(int port, int target, TimeProvider time)
    {
        (this.target, this.time) = (target, time);
        state = new("", TimeSpan.Zero, time);
        listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start(512);
        accepting = AcceptAsync();
    }

    public void Begin(string fault, TimeSpan latency)
    {
        var now = state = new(fault, latency, time);
        if (fault == NetFaults.Cut) Reset(now);
    }

    /// <summary>Answers how many packets and connections have suffered.</summary>
    public int End()
    {
        var over = state;
        state = new("", TimeSpan.Zero, time);
        if (over.Fault == NetFaults.HalfOpenLost) Reset(over);
        over.Over.TrySetResult();
        return over.Suffered;
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        listener.Stop();
        End();
        Reset(state);
        await accepting;
    }

    private void Reset(State because)
    {
        foreach (var hop in open.Keys)
        {
            because.Suffer();
            hop.Reset();
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptSocketAsync(stopping.Token);
                _ = ServeAsync(client);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException && stopping.IsCancellationRequested)
        {
            // The end of the run.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        var hop = new Hop(client, server);
        open[hop] = true;
        try
        {
            if (state is { Fault: NetFaults.Cut } cut)
            {
                cut.Suffer();
                return;
            }

            await HoldAsync(state, answers: false);
            (client.NoDelay, server.NoDelay) = (true, true);
            await server.ConnectAsync(IPAddress.Loopback, target, stopping.Token);
            await Task.WhenAll(PumpAsync(client, server, answers: false), PumpAsync(server, client, answers: true));
            hop.Close();
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Either side is gone: the other one is told by the reset below.
        }
        finally
        {
            open.TryRemove(hop, out _);
            hop.Reset();
        }
    }

    private async Task PumpAsync(Socket from, Socket to, bool answers)
    {
        try
        {
            var buffer = new byte[64 * 1024];
            int read;
            while ((read = await from.ReceiveAsync(buffer, SocketFlags.None, stopping.Token)) > 0)
            {
                var now = state;
                await HoldAsync(now, answers);
                if (now.Fault == (answers ? NetFaults.LostAnswer : NetFaults.LostRequest) && now.LosesThis()) throw new SocketException((int)SocketError.ConnectionReset);
                for (var sent = 0; sent < read;) sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), SocketFlags.None, stopping.Token);
            }

            await HoldAsync(state, answers);
            to.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // A broken side breaks the other one, but no sooner than the network lets it know.
            await HoldAsync(state, answers);
            from.Close(0);
            to.Close(0);
            throw;
        }
    }

    private async Task HoldAsync(State now, bool answers)
    {
        var isHeld = now.Fault is NetFaults.HalfOpen or NetFaults.HalfOpenLost || (now.Fault == NetFaults.Deaf && answers);
        if (isHeld || now.Fault == NetFaults.Slow) now.Suffer();
        if (isHeld) await now.Over.Task.WaitAsync(stopping.Token);
        else if (now.Fault == NetFaults.Slow) await Task.Delay(now.Latency, time, stopping.Token);
    }

    /// <summary>A fault, or none, from its beginning to its end.</summary>
    private sealed class State(string fault, TimeSpan latency, TimeProvider time)
    {
        private static readonly TimeSpan betweenLosses = TimeSpan.FromMilliseconds(700);
        private readonly Lock gate = new();
        private long? lost;
        private int suffered;

        public string Fault => fault;

        public TimeSpan Latency => latency;

        public TaskCompletionSource Over { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Suffered => Volatile.Read(ref suffered);

        public void Suffer() => Interlocked.Increment(ref suffered);

        /// <summary>One packet, then for a while none: who comes back is heard, and has said more when it happens again.</summary>
        public bool LosesThis()
        {
            lock (gate)
            {
                if (lost is { } last && time.GetElapsedTime(last) < betweenLosses) return false;
                lost = time.GetTimestamp();
            }

            Suffer();
            return true;
        }
    }

    private sealed class Hop(Socket client, Socket server)
    {
        public void Close()
        {
            client.Dispose();
            server.Dispose();
        }

        /// <summary>RST in both directions; nothing when it is closed already.</summary>
        public void Reset()
        {
            client.Close(0);
            server.Close(0);
        }
    }
}
