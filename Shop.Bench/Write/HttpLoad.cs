using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Shop.Bench.Measuring;
using Shop.Contracts.Commands;

namespace Shop.Bench.Write;

/// <summary>
/// Keep-alive HTTP/1.1 connections that post one order after the other. Plain sockets: the generator shares the cores with what it measures,
/// and must not be the larger part.
/// </summary>
internal sealed class HttpLoad : IDisposable
{
    public const int Connections = 128;
    private readonly List<Caller> callers = [];

    public static async Task<HttpLoad> ConnectAsync(string url, CancellationToken cancellationToken)
    {
        var load = new HttpLoad();
        var address = new Uri(url);
        for (var index = 0; index < Connections; index++) load.callers.Add(await Caller.ConnectAsync(address, cancellationToken));
        return load;
    }

    /// <summary>Orders per second over all connections.</summary>
    public Task<double> RunAsync(TimeSpan duration, CancellationToken cancellationToken) =>
        Load.RunAsync(Connections, duration, caller => callers[caller].PlaceAsync(cancellationToken), cancellationToken);

    public void Dispose() => callers.ForEach(caller => caller.Dispose());

    private sealed class Caller(Socket socket, string host) : IDisposable
    {
        private readonly byte[] buffer = new byte[8 * 1024];

        public static async Task<Caller> ConnectAsync(Uri address, CancellationToken cancellationToken)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPAddress.Loopback, address.Port, cancellationToken);
            return new(socket, address.Authority);
        }

        public async Task PlaceAsync(CancellationToken cancellationToken)
        {
            var length = Write(Catalogue.NextOrder());
            await socket.SendAsync(buffer.AsMemory(0, length), cancellationToken);
            var received = 0;
            do
            {
                var count = await socket.ReceiveAsync(buffer.AsMemory(received), cancellationToken);
                if (count == 0) throw new IOException("The service closed the connection.");
                received += count;
            }
            while (!IsComplete(buffer.AsSpan(0, received)));
            if (!buffer.AsSpan().StartsWith("HTTP/1.1 201 "u8)) throw new InvalidOperationException(Encoding.UTF8.GetString(buffer, 0, received));
        }

        private int Write(PlaceOrder order)
        {
            var body = JsonSerializer.SerializeToUtf8Bytes<Command>(order, CommandJson.Default.Command);
            var head = Encoding.ASCII.GetBytes($"POST /commands HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n", buffer);
            body.CopyTo(buffer, head);
            return head + body.Length;
        }

        // Either of the two ways in which Kestrel delimits an answer.
        private static bool IsComplete(ReadOnlySpan<byte> answer)
        {
            var end = answer.IndexOf("\r\n\r\n"u8);
            if (end < 0) return false;
            var head = answer[..end];
            var at = head.IndexOf("Content-Length: "u8);
            if (at < 0) return answer.EndsWith("0\r\n\r\n"u8);
            var digits = head[(at + "Content-Length: "u8.Length)..];
            if (digits.IndexOf((byte)'\r') is >= 0 and var stop) digits = digits[..stop];
            return answer.Length >= end + 4 + int.Parse(digits, null);
        }

        public void Dispose() => socket.Dispose();
    }
}
