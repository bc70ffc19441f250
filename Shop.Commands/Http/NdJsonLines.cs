using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Shop.Commands.Http;

/// <summary>Splits a streamed body into lines without ever holding more than one.</summary>
internal static class NdJsonLines
{
    /// <summary>
    /// The lines without their ends and surrounding white space. A line over the limit is skipped and reported as too long; the next one is read as usual.
    /// A line's memory is valid until the next one is asked for.
    /// </summary>
    public static async IAsyncEnumerable<(ReadOnlyMemory<byte> Line, bool TooLong)> ReadAsync(
        PipeReader body, int maxBytes, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var skipping = false;
        while (true)
        {
            var result = await body.ReadAsync(cancellationToken);
            var buffer = result.Buffer;
            while (buffer.PositionOf((byte)'\n') is { } end)
            {
                var line = buffer.Slice(0, end);
                yield return skipping || line.Length > maxBytes ? (default, true) : (Trim(line), false);
                skipping = false;
                buffer = buffer.Slice(buffer.GetPosition(1, end));
            }

            if (result.IsCompleted)
            {
                if (skipping || buffer.Length > maxBytes) yield return (default, true);
                else if (!buffer.IsEmpty) yield return (Trim(buffer), false);
                body.AdvanceTo(buffer.End);
                yield break;
            }

            if (skipping || buffer.Length > maxBytes)
            {
                skipping = true;
                buffer = buffer.Slice(buffer.End);
            }

            body.AdvanceTo(buffer.Start, result.Buffer.End);
        }
    }

    private static ReadOnlySpan<byte> WhiteSpace => " \t\r"u8;

    private static ReadOnlyMemory<byte> Trim(ReadOnlySequence<byte> line)
    {
        var memory = line.IsSingleSegment ? line.First : line.ToArray();
        return memory.Trim(WhiteSpace);
    }
}
