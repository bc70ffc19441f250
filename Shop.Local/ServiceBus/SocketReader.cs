using System.Net.Sockets;

namespace Shop.Local.ServiceBus;

/// <summary>Reads a socket through a buffer: the AMQP library asks twice per frame.</summary>
internal sealed class SocketReader(Socket socket)
{
    private readonly byte[] buffer = new byte[64 * 1024];
    private int start;
    private int end;

    /// <summary>Fills the destination and takes what it read.</summary>
    /// <exception cref="EndOfStreamException">The peer has closed the connection.</exception>
    public async ValueTask ReadAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        while (destination.Length > 0)
        {
            if (start == end && !await FillAsync(cancellationToken)) throw new EndOfStreamException("The peer has closed the connection.");
            var count = Math.Min(destination.Length, end - start);
            buffer.AsMemory(start, count).CopyTo(destination);
            start += count;
            destination = destination[count..];
        }
    }

    /// <summary>Fills the destination and leaves it to be read again. Nothing else may be buffered beyond the buffer's size.</summary>
    public async ValueTask PeekAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        while (end - start < destination.Length)
        {
            if (!await FillAsync(cancellationToken)) throw new EndOfStreamException("The peer has closed the connection.");
        }

        buffer.AsMemory(start, destination.Length).CopyTo(destination);
    }

    private async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        if (start > 0)
        {
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            (start, end) = (0, end - start);
        }

        var received = await socket.ReceiveAsync(buffer.AsMemory(end), SocketFlags.None, cancellationToken);
        end += received;
        return received > 0;
    }
}
