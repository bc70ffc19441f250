using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Shop.Bench.Parts;

/// <summary>
/// One keep-alive HTTP/1.1 connection, one request after the other. A plain socket: the generator shares the cores with what it measures, and
/// must not be the larger part.
/// </summary>
internal sealed class HttpCaller(Socket socket, string host) : IDisposable
{
    private byte[] buffer = new byte[16 * 1024];

    public static async Task<HttpCaller> ConnectAsync(string url, CancellationToken cancellationToken)
    {
        var address = new Uri(url);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, address.Port, cancellationToken);
        return new(socket, address.Authority);
    }

    /// <exception cref="InvalidOperationException">The answer is not a success.</exception>
    public Task GetAsync(string path, CancellationToken cancellationToken) =>
        ExchangeAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n", buffer), cancellationToken);

    /// <exception cref="InvalidOperationException">The answer is not a success.</exception>
    public Task PostJsonAsync(string path, byte[] body, CancellationToken cancellationToken)
    {
        var head = Encoding.ASCII.GetBytes(
            $"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n", buffer);
        body.CopyTo(buffer, head);
        return ExchangeAsync(head + body.Length, cancellationToken);
    }

    public void Dispose() => socket.Dispose();

    private async Task ExchangeAsync(int length, CancellationToken cancellationToken)
    {
        await socket.SendAsync(buffer.AsMemory(0, length), cancellationToken);
        var received = 0;
        do
        {
            if (received == buffer.Length) Array.Resize(ref buffer, 2 * buffer.Length);
            var count = await socket.ReceiveAsync(buffer.AsMemory(received), cancellationToken);
            if (count == 0) throw new InvalidOperationException("The service closed the connection.");
            received += count;
        }
        while (!IsComplete(buffer.AsSpan(0, received)));
        if (!buffer.AsSpan().StartsWith("HTTP/1.1 20"u8)) throw new InvalidOperationException(Encoding.UTF8.GetString(buffer, 0, received));
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
}
