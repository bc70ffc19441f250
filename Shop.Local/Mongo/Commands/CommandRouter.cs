using Shop.Local.Mongo.Wire;

namespace Shop.Local.Mongo.Commands;

/// <summary>Finds a command by its name, adds the <c>ok</c> that ends every reply and turns every refusal into MongoDB's error document.</summary>
internal sealed class CommandRouter
{
    private readonly Dictionary<string, Func<Request, BsonDocument>> commands = new(StringComparer.Ordinal);
    private readonly Catalog catalog;
    private readonly Action<IOException> logFailed;

    public CommandRouter(Catalog catalog, TimeProvider time, Action<IOException> logFailed)
    {
        (this.catalog, this.logFailed) = (catalog, logFailed);
        var cursors = new Cursors(time);
        var writes = new WriteCommands(catalog);
        var reads = new ReadCommands(catalog, cursors);
        var explain = new Explain(catalog);
        var collections = new CatalogCommands(catalog, cursors);
        AddSession(time);
        commands["insert"] = writes.Insert;
        commands["update"] = writes.Update;
        commands["delete"] = writes.Delete;
        commands["findAndModify"] = commands["findandmodify"] = new FindAndModify(catalog).Run;
        commands["find"] = reads.Find;
        commands["getMore"] = reads.GetMore;
        commands["killCursors"] = reads.KillCursors;
        commands["count"] = reads.Count;
        commands["distinct"] = reads.Distinct;
        commands["aggregate"] = request => request.Flag("explain") ? explain.Run(request, true) : reads.Aggregate(request);
        commands["explain"] = explain.Run;
        commands["create"] = collections.Create;
        commands["drop"] = collections.Drop;
        commands["dropDatabase"] = collections.DropDatabase;
        commands["renameCollection"] = collections.Rename;
        commands["createIndexes"] = collections.CreateIndexes;
        commands["dropIndexes"] = collections.DropIndexes;
        commands["listIndexes"] = collections.ListIndexes;
        commands["listCollections"] = collections.ListCollections;
        commands["listDatabases"] = collections.ListDatabases;
    }

    public BsonDocument Execute(Request request)
    {
        try
        {
            if (request.Name.Length == 0) throw MongoRefusal.FailedToParse("a command must have a name");
            if (!commands.TryGetValue(request.Name, out var command)) throw new MongoRefusal(59, "CommandNotFound", $"no such command: '{request.Name}'");
            CommandOptions.RefuseUnsupported(request.Body);
            var reply = command(request);
            // It may have read what did not reach the log.
            return catalog.HasFailed ? throw new IOException("it could not be written earlier") : reply.Add("ok", 1.0);
        }
        catch (IOException broken)
        {
            logFailed(broken);
            return new MongoRefusal(91, "ShutdownInProgress", $"the store stops because its log cannot be written: {broken.Message}").ToReply();
        }
        catch (Exception failure) when (failure is MongoRefusal || MongoRefusal.CanAnswer(failure))
        {
            return (failure as MongoRefusal ?? MongoRefusal.Internal(failure)).ToReply();
        }
    }

    private void AddSession(TimeProvider time)
    {
        commands["hello"] = request => Handshake.Reply(request.ConnectionId, false, time);
        commands["isMaster"] = commands["ismaster"] = request => Handshake.Reply(request.ConnectionId, true, time);
        commands["buildInfo"] = commands["buildinfo"] = _ => Handshake.BuildInfo;
        foreach (var name in (string[])["ping", "endSessions", "refreshSessions", "killSessions", "killAllSessions", "logout"])
            commands[name] = _ => [];
        commands["getParameter"] = _ => new BsonDocument("featureCompatibilityVersion", new BsonDocument("version", "7.0"));
        commands["getLog"] = _ => new BsonDocument { { "totalLinesWritten", 0 }, { "log", new BsonArray() } };
        commands["connectionStatus"] = _ => new BsonDocument("authInfo", new BsonDocument { { "authenticatedUsers", new BsonArray() }, { "authenticatedUserRoles", new BsonArray() } });
    }
}
