using Shop.Local.Mongo.Aggregation;
using Shop.Local.Mongo.Queries;

namespace Shop.Local.Mongo.Commands;

/// <summary>Says which index answers a query and how much of it was looked at.</summary>
internal sealed class Explain(Catalog catalog)
{
    public BsonDocument Run(Request request)
    {
        if (!request.Argument.IsDocument) throw MongoRefusal.TypeMismatch("explain needs a command");
        return Run(request with { Body = request.Argument }, request.Text("verbosity") is not "queryPlanner");
    }

    public BsonDocument Run(Request command, bool withStatistics)
    {
        var query = QueryOf(command);
        var collection = catalog.Find(command.Namespace);
        var plan = Plan.Everything;
        if (collection is not null)
            lock (collection.Gate)
                plan = Planner.Choose(collection, query.Filter, query.Sort, query.Hint);
        var reply = new BsonDocument
        {
            { "explainVersion", "1" },
            { "queryPlanner", new BsonDocument { { "namespace", command.Namespace }, { "winningPlan", Describe(plan, query) }, { "rejectedPlans", new BsonArray() } } }
        };
        if (withStatistics)
        {
            var counts = new ScanCounts();
            var returned = Executor.Find(collection, query, counts).LongCount();
            reply["executionStats"] = new BsonDocument { { "executionSuccess", true }, { "nReturned", returned }, { "totalKeysExamined", counts.Keys }, { "totalDocsExamined", counts.Documents } };
        }
        return reply;
    }

    private static Query QueryOf(Request command) => command.Name switch
    {
        "find" or "count" or "distinct" or "findAndModify" or "findandmodify" => ReadCommands.QueryOf(command),
        "aggregate" => Pipeline.Parse(command.Array("pipeline") ?? [], ReadCommands.HintOf(command)).Source,
        _ => throw new MongoRefusal(59, "CommandNotFound", $"Explain failed due to unknown command: {command.Name}")
    };

    private static BsonDocument Describe(Plan plan, Query query)
    {
        BsonDocument stage = plan.Stage == "IXSCAN" ? new()
            {
                { "stage", "FETCH" },
                { "inputStage", new BsonDocument
                    {
                        { "stage", "IXSCAN" }, { "keyPattern", plan.Index!.Definition.Key }, { "indexName", plan.Index.Definition.Name },
                        { "isMultiKey", plan.Index.Multikey }, { "direction", plan.Backward ? "backward" : "forward" }
                    } }
            }
            : new("stage", plan.Stage);
        if (query.Sort is not null && !plan.Sorted)
            stage = new() { { "stage", "SORT" }, { "sortPattern", new BsonDocument(query.Sort.Fields.Select(field => new BsonElement(field.Path.Text, field.Descending ? -1 : 1))) }, { "inputStage", stage } };
        return query.Limit > 0 ? new() { { "stage", "LIMIT" }, { "limitAmount", query.Limit }, { "inputStage", stage } } : stage;
    }
}
