using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace Shop.Local.ServiceBus;

/// <summary>
/// The server's side of SASL (AMQP 1.0 part 5.3), done before the AMQP library gets the connection: the library's accept loop awaits
/// SASL, so that one silent client would hold up everyone. It returns when the peer's AMQP header has arrived, because the library
/// sends its own at once, and clients choke on one that comes together with the SASL outcome.
/// </summary>
internal sealed class SaslHandshake(SocketReader reader, Socket socket, TokenVerifier? verifier)
{
    private const int LargestFrame = 4096;
    private static readonly byte[] SaslHeader = [.. "AMQP"u8, 3, 1, 0, 0];
    private static readonly byte[] AmqpHeader = [.. "AMQP"u8, 0, 1, 0, 0];
    private static readonly byte[] MechanismsFrame = EncodeMechanisms("ANONYMOUS", "PLAIN", "EXTERNAL", "MSSBCBS");

    /// <summary>Whether the login alone opens everything; null when the peer was refused.</summary>
    public async Task<bool?> RunAsync(CancellationToken cancellationToken)
    {
        var header = new byte[8];
        await reader.PeekAsync(header, cancellationToken);
        if (header.AsSpan().SequenceEqual(AmqpHeader)) return false;
        if (!header.AsSpan().SequenceEqual(SaslHeader))
        {
            await socket.SendAsync(SaslHeader, cancellationToken);
            return null;
        }

        await reader.ReadAsync(header, cancellationToken);
        await socket.SendAsync(SaslHeader, cancellationToken);
        await socket.SendAsync(MechanismsFrame, cancellationToken);
        var (mechanism, response) = ReadInit(await ReadFrameAsync(cancellationToken));
        var (accepted, isKey) = Judge(mechanism, response);
        byte[] outcome = [0, 0, 0, 16, 2, 1, 0, 0, 0, 0x53, 0x44, 0xc0, 3, 1, 0x50, accepted ? (byte)0 : (byte)1];
        await socket.SendAsync(outcome, cancellationToken);
        if (!accepted) return null;
        await reader.PeekAsync(header, cancellationToken);
        return header.AsSpan().SequenceEqual(AmqpHeader) ? isKey : null;
    }

    private (bool Accepted, bool IsKey) Judge(string mechanism, byte[] response)
    {
        if (mechanism is "ANONYMOUS" or "EXTERNAL" or "MSSBCBS") return (true, false);
        if (mechanism is not "PLAIN") return (false, false);
        if (verifier is null) return (true, false);
        var parts = Encoding.UTF8.GetString(response).Split('\0');
        var isKey = parts.Length == 3 && verifier.IsKey(parts[1], parts[2]);
        return (isKey, isKey);
    }

    private async Task<byte[]> ReadFrameAsync(CancellationToken cancellationToken)
    {
        var size = new byte[4];
        await reader.ReadAsync(size, cancellationToken);
        var length = BinaryPrimitives.ReadInt32BigEndian(size);
        if (length is < 12 or > LargestFrame) throw new InvalidDataException("Not a SASL frame.");
        var frame = new byte[length - 4];
        await reader.ReadAsync(frame, cancellationToken);
        return frame;
    }

    /// <summary>Mechanism and initial response of a sasl-init (descriptor 0x41).</summary>
    private static (string Mechanism, byte[] Response) ReadInit(ReadOnlySpan<byte> frame)
    {
        var dataOffset = (frame[0] * 4) - 4;
        if (frame[1] != 1 || dataOffset < 4 || dataOffset >= frame.Length) throw new InvalidDataException("Not a SASL frame.");
        var performative = frame[dataOffset..];
        _ = WireFormat.Measure(performative);
        var (code, valueStart) = WireFormat.ReadDescriptor(performative);
        if (code != 0x41) throw new InvalidDataException("A sasl-init was expected.");
        var list = performative[valueStart..];
        var (itemsStart, count) = WireFormat.ReadCompound(list);
        if (count < 1) throw new InvalidDataException("A sasl-init without a mechanism.");
        var first = list[itemsStart..];
        var response = count > 1 ? Variable(first[WireFormat.Measure(first)..]) : [];
        return (Encoding.ASCII.GetString(Variable(first)), response.ToArray());
    }

    private static ReadOnlySpan<byte> Variable(ReadOnlySpan<byte> value) => (value[0] >> 4) switch
    {
        0xa => value[2..WireFormat.MeasureShallow(value)],
        0xb => value[5..WireFormat.MeasureShallow(value)],
        _ => [],
    };

    private static byte[] EncodeMechanisms(params ReadOnlySpan<string> names)
    {
        List<byte> symbols = [];
        foreach (var name in names) symbols.AddRange([(byte)name.Length, .. Encoding.ASCII.GetBytes(name)]);
        byte[] array = [0xe0, (byte)(symbols.Count + 2), (byte)names.Length, 0xa3, .. symbols];
        byte[] performative = [0x00, 0x53, 0x40, 0xc0, (byte)(array.Length + 1), 1, .. array];
        return [0, 0, 0, (byte)(performative.Length + 8), 2, 1, 0, 0, .. performative];
    }
}
