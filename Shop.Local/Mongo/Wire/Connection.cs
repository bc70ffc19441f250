using System.Buffers.Binary;
using System.Net.Sockets;
using Shop.Local.Mongo.Commands;

namespace Shop.Local.Mongo.Wire;

/// <summary>
/// One client on a thread of its own with blocking reads, which is faster here than asynchronous ones and as many as a shop needs.
/// Memory for a message grows with what has arrived, never with what a length field claims.
/// </summary>
internal sealed class Connection(Socket socket, long id, CommandRouter router) : IDisposable
{
    private const int Piece = 64 * 1024;
    private const int KeptBuffer = 4 * 1024 * 1024;
    private readonly NetworkStream stream = new(socket, true);
    private readonly MemoryStream output = new(4096);
    private byte[] body = new byte[4096];

    public void Serve()
    {
        try
        {
            using var input = new BufferedStream(stream, Piece);
            var header = new byte[Message.HeaderBytes];
            while (input.ReadAtLeast(header, header.Length, false) == header.Length)
            {
                var length = BinaryPrimitives.ReadInt32LittleEndian(header) - header.Length;
                if (length is < 0 or > Handshake.MaxMessageBytes) return;
                ReadBody(input, length);
                Answer(header, length);
            }
        }
        catch (IOException)
        {
            // The client went away, the server stops, or what came was no message: in each case this connection is over.
        }
    }

    public void Dispose()
    {
        stream.Dispose();
        output.Dispose();
    }

    /// <summary>Ends a blocking read; the thread then ends by itself.</summary>
    public void Close()
    {
        try
        {
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // Ended by itself meanwhile.
        }
    }

    private void Answer(byte[] header, int length)
    {
        var message = Message.Parse(BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(12)), body, length, id);
        var reply = router.Execute(message.Request);
        if (!message.WantsReply) return;
        var requestId = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(4));
        try
        {
            message.WriteReply(output, requestId, reply);
        }
        catch (BsonException unwritable)
        {
            message.WriteReply(output, requestId, MongoRefusal.Internal(unwritable).ToReply());
        }
        stream.Write(output.GetBuffer(), 0, (int)output.Length);
        // One large message should not cost its memory for as long as the client stays.
        if (output.Capacity > KeptBuffer)
        {
            output.SetLength(0);
            output.Capacity = 4096;
        }
        if (body.Length > KeptBuffer) body = new byte[4096];
    }

    /// <summary>Into the connection's buffer, which is used again for the next message: what a command keeps, it copies.</summary>
    private void ReadBody(Stream input, int length)
    {
        for (var filled = 0; filled < length;)
        {
            if (filled == body.Length) Array.Resize(ref body, (int)Math.Min(Math.Max(body.Length * 2L, Piece), Math.Max(length, Piece)));
            var read = input.Read(body, filled, Math.Min(body.Length, length) - filled);
            if (read == 0) throw new EndOfStreamException();
            filled += read;
        }
    }
}
