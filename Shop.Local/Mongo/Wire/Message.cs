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
    private static readonly Dictionary<string, List<RawValue>> NoLists = [];

    /// <param name="opCode">From the header.</param>
    /// <param name="buffer">Holds what follows the header; the request's values lie in it.</param>
    /// <param name="length">How much of the buffer that is.</param>
    /// <param name="connectionId">For the request.</param>
    /// <exception cref="MalformedMessageException">Not to be understood.</exception>
    public static Message Parse(int opCode, byte[] buffer, int length, long connectionId) => opCode switch
    {
        OpMsg => ParseMsg(buffer, length, connectionId),
        OpQuery => ParseQuery(buffer, length, connectionId),
        _ => throw new MalformedMessageException($"operation {opCode} is not known")
    };

    /// <summary>Header, envelope and reply, ready to be sent.</summary>
    public void WriteReply(MemoryStream output, int requestId, BsonDocument reply)
    {
        output.SetLength(0);
        output.Position = HeaderBytes + (IsLegacy ? 20 : 5);
        using (var writer = new BsonBinaryWriter(output)) BsonDocumentSerializer.Instance.Serialize(BsonSerializationContext.CreateRoot(writer), reply);
        var bytes = output.GetBuffer().AsSpan(0, (int)output.Length);
        bytes[..(HeaderBytes + (IsLegacy ? 20 : 5))].Clear();
        BinaryPrimitives.WriteInt32LittleEndian(bytes, bytes.Length);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[8..], requestId);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[12..], IsLegacy ? OpReply : OpMsg);
        if (!IsLegacy) return;
        bytes[HeaderBytes] = 8; // AwaitCapable, which every server since 1.6 sets
        BinaryPrimitives.WriteInt32LittleEndian(bytes[(HeaderBytes + 16)..], 1);
    }

    private static Message ParseMsg(byte[] buffer, int length, long connectionId)
    {
        if (length < 5) throw new MalformedMessageException("OP_MSG is too short");
        var flags = BinaryPrimitives.ReadUInt32LittleEndian(buffer);
        if ((flags & RequiredBits & ~(ChecksumPresent | MoreToCome)) != 0)
            throw new MalformedMessageException("OP_MSG has an unknown required flag");
        if ((flags & ChecksumPresent) != 0) length = Math.Max(4, length - 4);
        var lists = NoLists;
        RawValue command = default;
        for (var position = 4; position < length;)
        {
            var kind = buffer[position++];
            if (kind == 0 && command.IsMissing)
                command = NextDocument(buffer, ref position, length);
            else if (kind == 1)
                ReadSequence(buffer, ref position, length, lists = lists.Count == 0 ? [] : lists);
            else throw new MalformedMessageException($"OP_MSG has a section of kind {kind} too many");
        }
        if (command.IsMissing) throw new MalformedMessageException("OP_MSG has no body");
        var database = command.Field("$db"u8) is { IsText: true } name ? name.Text : "admin";
        return new Message(new Request(command, database, lists, connectionId), false, (flags & MoreToCome) == 0);
    }

    private static Message ParseQuery(byte[] buffer, int length, long connectionId)
    {
        var nameEnd = length < 4 ? -1 : Array.IndexOf(buffer, (byte)0, 4, length - 4);
        if (nameEnd < 0 || nameEnd + 9 > length) throw new MalformedMessageException("OP_QUERY is too short");
        var name = Encoding.UTF8.GetString(buffer, 4, nameEnd - 4);
        if (!name.EndsWith(".$cmd", StringComparison.Ordinal))
            throw new MalformedMessageException("OP_QUERY is only understood for commands");
        var position = nameEnd + 9;
        var command = NextDocument(buffer, ref position, length);
        return new Message(new Request(command, name[..^5], NoLists, connectionId), true, true);
    }

    private static RawValue NextDocument(byte[] buffer, ref int position, int end)
    {
        var rest = buffer.AsSpan(position, end - position);
        if (rest.Length < 5 || BinaryPrimitives.ReadInt32LittleEndian(rest) is var length && (length < 5 || length > rest.Length))
            throw new MalformedMessageException("a document is longer than its message");
        if (!BsonCheck.IsDocument(rest[..length])) throw new MalformedMessageException("a document is malformed or nested too deeply");
        position += length;
        return new RawValue(buffer, position - length, length, BsonType.Document);
    }

    private static void ReadSequence(byte[] buffer, ref int position, int end, Dictionary<string, List<RawValue>> lists)
    {
        var rest = buffer.AsSpan(position, end - position);
        if (rest.Length < 5 || BinaryPrimitives.ReadInt32LittleEndian(rest) is var size && (size < 5 || size > rest.Length))
            throw new MalformedMessageException("a document sequence is longer than its message");
        var nameLength = rest[4..size].IndexOf((byte)0);
        if (nameLength < 0) throw new MalformedMessageException("a document sequence has no name");
        var list = lists[Encoding.UTF8.GetString(rest.Slice(4, nameLength))] = [];
        end = position + size;
        position += 4 + nameLength + 1;
        while (position < end) list.Add(NextDocument(buffer, ref position, end));
    }
}
