using System.Buffers.Binary;
using System.Text;
using MongoDB.Bson.IO;
using MongoDB.Bson.Serialization;
using MongoDB.Bson.Serialization.Serializers;
using Shop.Local.Mongo.Commands;

namespace Shop.Local.Mongo.Wire;

/// <summary>Bytes that are no message; the connection is closed, as MongoDB does.</summary>
internal sealed class MalformedMessageException(string message) : IOException(message);

/// <summary>The two messages that drivers send: OP_MSG and, to say hello, OP_QUERY.</summary>
internal sealed record Message(Request Request, bool IsLegacy, bool WantsReply)
{
    public const int HeaderBytes = 16;
    private const int OpReply = 1, OpQuery = 2004, OpMsg = 2013;
    private const uint ChecksumPresent = 1, MoreToCome = 2, RequiredBits = 0xFFFF;
    private static readonly HashSet<string> RawLists = ["documents", "updates", "deletes"];
    /// <param name="opCode">From the header.</param>
    /// <param name="body">What follows the header.</param>
    /// <param name="connectionId">For the request.</param>
    /// <exception cref="MalformedMessageException">Not to be understood.</exception>
    public static Message Parse(int opCode, byte[] body, long connectionId) => opCode switch
    {
        OpMsg => ParseMsg(body, connectionId),
        OpQuery => ParseQuery(body, connectionId),
        _ => throw new MalformedMessageException($"operation {opCode} is not known")
    };

    /// <summary>Header, envelope and reply, ready to be sent.</summary>
    public void WriteReply(MemoryStream output, int requestId, Reply reply)
    {
        output.SetLength(0);
        output.Position = HeaderBytes + (IsLegacy ? 20 : 5);
        reply.Write(output);
        var bytes = output.GetBuffer().AsSpan(0, (int)output.Length);
        bytes[..(HeaderBytes + (IsLegacy ? 20 : 5))].Clear();
        BinaryPrimitives.WriteInt32LittleEndian(bytes, bytes.Length);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[8..], requestId);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[12..], IsLegacy ? OpReply : OpMsg);
        if (!IsLegacy) return;
        bytes[HeaderBytes] = 8; // AwaitCapable, which every server since 1.6 sets
        BinaryPrimitives.WriteInt32LittleEndian(bytes[(HeaderBytes + 16)..], 1);
    }

    private static Message ParseMsg(byte[] body, long connectionId)
    {
        if (body.Length < 5) throw new MalformedMessageException("OP_MSG is too short");
        var flags = BinaryPrimitives.ReadUInt32LittleEndian(body);
        if ((flags & RequiredBits & ~(ChecksumPresent | MoreToCome)) != 0)
            throw new MalformedMessageException("OP_MSG has an unknown required flag");
        var rest = body.AsSpan(4, body.Length - 4 - ((flags & ChecksumPresent) != 0 ? Math.Min(4, body.Length - 4) : 0));
        var lists = new Dictionary<string, List<byte[]>>(StringComparer.Ordinal);
        BsonDocument? command = null;
        while (!rest.IsEmpty)
        {
            var kind = rest[0];
            rest = rest[1..];
            if (kind == 0 && command is null)
            {
                var document = NextDocument(ref rest);
                command = ReadCommand(document, lists);
            }
            else if (kind == 1)
                ReadSequence(ref rest, lists);
            else throw new MalformedMessageException($"OP_MSG has a section of kind {kind} too many");
        }
        return command is null ? throw new MalformedMessageException("OP_MSG has no body")
            : new Message(new Request(command, lists, connectionId), false, (flags & MoreToCome) == 0);
    }

    private static Message ParseQuery(byte[] body, long connectionId)
    {
        var nameEnd = body.Length < 4 ? -1 : Array.IndexOf(body, (byte)0, 4);
        if (nameEnd < 0 || nameEnd + 9 > body.Length) throw new MalformedMessageException("OP_QUERY is too short");
        var name = Encoding.UTF8.GetString(body, 4, nameEnd - 4);
        if (!name.EndsWith(".$cmd", StringComparison.Ordinal))
            throw new MalformedMessageException("OP_QUERY is only understood for commands");
        var rest = body.AsSpan(nameEnd + 9);
        var command = Bson.Read(NextDocument(ref rest));
        if (command.TryGetValue("$query", out var inner) && inner is BsonDocument wrapped) command = wrapped;
        command["$db"] = name[..^5];
        return new Message(new Request(command, new Dictionary<string, List<byte[]>>(), connectionId), true, true);
    }

    private static byte[] NextDocument(ref Span<byte> rest)
    {
        if (rest.Length < 5 || BinaryPrimitives.ReadInt32LittleEndian(rest) is var length && (length < 5 || length > rest.Length))
            throw new MalformedMessageException("a document is longer than its message");
        var document = rest[..length];
        rest = rest[length..];
        return BsonCheck.IsDocument(document) ? document.ToArray() : throw new MalformedMessageException("a document is malformed or nested too deeply");
    }

    private static void ReadSequence(ref Span<byte> rest, Dictionary<string, List<byte[]>> lists)
    {
        if (rest.Length < 5 || BinaryPrimitives.ReadInt32LittleEndian(rest) is var size && (size < 5 || size > rest.Length))
            throw new MalformedMessageException("a document sequence is longer than its message");
        var sequence = rest[4..size];
        rest = rest[size..];
        var nameEnd = sequence.IndexOf((byte)0);
        if (nameEnd < 0) throw new MalformedMessageException("a document sequence has no name");
        var list = lists[Encoding.UTF8.GetString(sequence[..nameEnd])] = [];
        sequence = sequence[(nameEnd + 1)..];
        while (!sequence.IsEmpty) list.Add(NextDocument(ref sequence));
    }

    /// <summary>Parses a command but leaves the documents it carries as they are: they are stored as bytes.</summary>
    private static BsonDocument ReadCommand(byte[] bytes, Dictionary<string, List<byte[]>> lists)
    {
        using var reader = new BsonBinaryReader(new ByteBufferStream(new ByteArrayBuffer(bytes, true), true));
        var context = BsonDeserializationContext.CreateRoot(reader, builder => builder.AllowDuplicateElementNames = true);
        var command = new BsonDocument();
        reader.ReadStartDocument();
        while (reader.ReadBsonType() is var type && type != BsonType.EndOfDocument)
        {
            var name = reader.ReadName();
            if (type == BsonType.Array && RawLists.Contains(name))
                lists[name] = ReadRawList(reader);
            else command[name] = BsonValueSerializer.Instance.Deserialize(context);
        }
        reader.ReadEndDocument();
        return command;
    }

    private static List<byte[]> ReadRawList(BsonBinaryReader reader)
    {
        var list = new List<byte[]>();
        reader.ReadStartArray();
        while (reader.ReadBsonType() is var type && type != BsonType.EndOfDocument)
        {
            if (type != BsonType.Document) throw new MalformedMessageException("a list of documents holds something else");
            using var slice = reader.ReadRawBsonDocument();
            var document = new byte[slice.Length];
            slice.GetBytes(0, document, 0, document.Length);
            list.Add(document);
        }
        reader.ReadEndArray();
        return list;
    }
}
