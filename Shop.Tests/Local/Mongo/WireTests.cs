using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using CsCheck;
using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Local.Mongo.Documents;

namespace Shop.Tests.Local.Mongo;

/// <summary>Bytes that no driver sends: the connection may end, the store may not.</summary>
public sealed class WireTests(StoreFixture store) : IClassFixture<StoreFixture>
{
    private static readonly TimeSpan Patience = Eventually.Deadline;
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Mutated_messages_never_stop_the_store() =>
        Gen.Select(Gen.Int[0, 7], Gen.Select(Gen.Int[0, 400], Gen.Byte).Array[1, 8], Gen.Int[0, 40]).Sample((which, changes, cut) =>
        {
            var message = Commands()[which];
            foreach (var (at, value) in changes)
                message[16 + at % (message.Length - 16)] = value;
            var sent = message[..Math.Max(16, message.Length - (cut > 30 ? cut : 0))];
            Exchange(sent);
            Assert.Equal(1.0, store.Database.RunCommand<BsonDocument>("{ping: 1}")["ok"].AsDouble);
        }, iter: 400, threads: 2);

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(15)]
    [InlineData(48_000_017)]
    [InlineData(int.MaxValue)]
    public void An_impossible_length_ends_the_connection(int length)
    {
        var message = Message(new BsonDocument { { "ping", 1 }, { "$db", "admin" } });
        BinaryPrimitives.WriteInt32LittleEndian(message, length);
        Assert.Empty(Exchange(message));
        Ping();
    }

    [Fact]
    public void A_deeply_nested_document_ends_the_connection_and_nothing_else()
    {
        var inner = new byte[] { 5, 0, 0, 0, 0 };
        for (var depth = 0; depth < 20_000; depth++)
        {
            var outer = new byte[inner.Length + 8];
            BinaryPrimitives.WriteInt32LittleEndian(outer, outer.Length);
            (outer[4], outer[5]) = (3, (byte)'a');
            inner.CopyTo(outer, 7);
            inner = outer;
        }
        Assert.Empty(Exchange(Frame(2013, [0, 0, 0, 0, 0, .. inner])));
        Ping();
    }

    [Fact]
    public async Task A_failing_statement_leaves_the_others_of_its_command_in_place()
    {
        var collection = store.NewCollection();
        var nested = new BsonDocument();
        for (var depth = 0; depth < 60; depth++)
            nested = new BsonDocument("a", nested);
        await collection.InsertOneAsync(new BsonDocument { { "_id", 1 }, { "n", nested } }, cancellationToken: Token);
        var deeper = string.Join('.', Enumerable.Repeat("a", 60));
        var reply = await store.Database.RunCommandAsync<BsonDocument>(new BsonDocument
        {
            { "update", collection.CollectionNamespace.CollectionName },
            { "ordered", false },
            { "updates", new BsonArray
                {
                    new BsonDocument { { "q", new BsonDocument("_id", 1) }, { "u", new BsonDocument("$set", new BsonDocument($"n.{deeper}.b", nested)) } },
                    new BsonDocument { { "q", new BsonDocument("_id", 1) }, { "u", new BsonDocument("$set", new BsonDocument("after", true)) } }
                } }
        }, cancellationToken: Token);
        Assert.Equal((1, 1), (reply["n"].AsInt32, reply["writeErrors"].AsBsonArray.Count));
        Assert.True((await collection.Find("{_id: 1}").SingleAsync(Token))["after"].AsBoolean);
    }

    [Fact]
    public async Task A_document_above_sixteen_megabytes_is_refused_and_one_below_is_stored()
    {
        var collection = store.NewCollection();
        await collection.InsertOneAsync(new BsonDocument { { "_id", 1 }, { "data", new byte[16 * 1024 * 1024 - 100] } }, cancellationToken: Token);
        var reply = await store.Database.RunCommandAsync<BsonDocument>(new BsonDocument
        {
            { "update", collection.CollectionNamespace.CollectionName },
            { "updates", new BsonArray { new BsonDocument { { "q", new BsonDocument("_id", 1) }, { "u", new BsonDocument("$set", new BsonDocument("more", new byte[1000])) } } } }
        }, cancellationToken: Token);
        Assert.Equal(10334, reply["writeErrors"][0]["code"]);
    }

    [Fact]
    public async Task Three_hundred_connections_are_served_at_once()
    {
        var connections = new List<TcpClient>();
        try
        {
            for (var i = 0; i < 300; i++)
            {
                var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, store.Server.Port, Token);
                connections.Add(client);
            }
            var hello = Message(new BsonDocument { { "hello", 1 }, { "$db", "admin" } });
            foreach (var client in connections)
                await client.GetStream().WriteAsync(hello, Token);
            foreach (var client in connections)
                Assert.True(await client.GetStream().ReadAtLeastAsync(new byte[16], 16, false, Token).AsTask().WaitAsync(Patience, Token) >= 16);
        }
        finally
        {
            connections.ForEach(client => client.Dispose());
        }
    }

    [Fact]
    public void Bytes_that_pass_for_a_document_can_be_read_to_the_last() =>
        Gen.Select(Gen.Int[0, 7], Gen.Select(Gen.Int[0, 400], Gen.Byte).Array[0, 4]).Sample((which, changes) =>
        {
            var document = BsonDocument.Parse("{a: [1, 'x', {b: NumberDecimal('1.5')}], r: /a/i, d: ISODate('2024-01-01'), n: null, t: true, l: NumberLong(5), f: 1.5, o: ObjectId('000000000000000000000001')}").ToBson()[..];
            foreach (var (at, value) in changes) document[at % document.Length] = value;
            if (!BsonCheck.IsDocument(document)) return;
            var whole = RawValue.Document(document);
            // A decimal or a date may be written in several ways, everything else in one.
            Assert.Equal(KeyWriter.Of(whole), KeyWriter.Of(RawValue.Of(whole.ToDocument())));
        }, iter: 5_000, threads: 2);

    [Fact]
    public async Task Nobody_but_this_machine_is_listened_to_unless_told_otherwise()
    {
        Assert.Equal(IPAddress.Loopback, store.Server.EndPoint.Address);
        using var open = StoreProcess.Run("--port", "0", "--listen", "0.0.0.0");
        try
        {
            var said = new List<string>();
            while (!said.Any(line => line.StartsWith("WARNING", StringComparison.Ordinal)))
                said.Add(await open.StandardOutput.ReadLineAsync(Token).AsTask().WaitAsync(Patience, Token) ?? throw new InvalidOperationException("The store ended."));
            Assert.Contains("0.0.0.0", said[^1], StringComparison.Ordinal);
        }
        finally
        {
            open.Kill();
        }
    }

    private void Ping() => Assert.Equal(1.0, store.Database.RunCommand<BsonDocument>("{ping: 1}")["ok"].AsDouble);

    /// <summary>Sends, says that no more comes, and reads until the store has nothing more to say.</summary>
    private byte[] Exchange(byte[] message)
    {
        using var client = new TcpClient { ReceiveTimeout = (int)Patience.TotalMilliseconds };
        client.Connect(IPAddress.Loopback, store.Server.Port);
        using var stream = client.GetStream();
        using var answer = new MemoryStream();
        try
        {
            stream.Write(message);
            client.Client.Shutdown(SocketShutdown.Send);
            stream.CopyTo(answer);
        }
        catch (IOException reset) when (reset.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset or SocketError.Shutdown })
        {
            // A connection closed with unread bytes is reset; hanging would be a timeout, which fails the test.
        }
        catch (SocketException reset) when (reset.SocketErrorCode is SocketError.NotConnected or SocketError.ConnectionReset)
        {
            // Closed before the shutdown.
        }
        return answer.ToArray();
    }

    private static byte[][] Commands() =>
    [
        Message(BsonDocument.Parse("{insert: 'fuzz', documents: [{_id: 1, a: [1, 'x', {b: NumberDecimal('1.5')}]}], $db: 'shop'}")),
        Message(BsonDocument.Parse("{find: 'fuzz', filter: {a: {$in: [1, 2]}, 'a.b': {$gt: 1}}, sort: {a: 1}, limit: 3, projection: {a: 1}, $db: 'shop'}")),
        Message(BsonDocument.Parse("{update: 'fuzz', updates: [{q: {_id: 1}, u: {$push: {a: {$each: [1], $slice: 3}}}, upsert: true}], $db: 'shop'}")),
        Message(BsonDocument.Parse("{aggregate: 'fuzz', pipeline: [{$match: {a: 1}}, {$group: {_id: '$a', n: {$sum: '$b'}}}], cursor: {}, $db: 'shop'}")),
        Message(BsonDocument.Parse("{createIndexes: 'fuzz', indexes: [{key: {a: 1, b: -1}, name: 'ab'}], $db: 'shop'}")),
        Message(BsonDocument.Parse("{findAndModify: 'fuzz', query: {a: 1}, update: [{$set: {b: {$add: ['$c', 1]}}}], new: true, $db: 'shop'}")),
        Message(BsonDocument.Parse("{getMore: NumberLong(5), collection: 'fuzz', $db: 'shop'}")),
        Frame(2004, [0, 0, 0, 0, .. "admin.$cmd\0"u8, 0, 0, 0, 0, 255, 255, 255, 255, .. new BsonDocument("isMaster", 1).ToBson()])
    ];

    private static byte[] Message(BsonDocument command) => Frame(2013, [0, 0, 0, 0, 0, .. command.ToBson()]);

    private static byte[] Frame(int operation, byte[] body)
    {
        var frame = new byte[16 + body.Length];
        BinaryPrimitives.WriteInt32LittleEndian(frame, frame.Length);
        BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(4), 1);
        BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(12), operation);
        body.CopyTo(frame, 16);
        return frame;
    }
}
