using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Contracts.Administration;
using Shop.Contracts.Views;
using Shop.Projector.Projection;
using Shop.ServiceDefaults.Data;
using Shop.ServiceDefaults.Reliability;

namespace Shop.Projector.Rebuild;

/// <summary>
/// The steps that somebody asks for. Each changes <c>read_models</c> by one compare-and-set, so that two that are asked for at once, or a
/// rebuild that ends meanwhile, cannot undo each other; killed in between, asking again does the rest.
/// </summary>
internal sealed class RebuildSwitch(ReadModels models, WriteSideClient writeSide, TimeProvider time)
{
    /// <summary>Queries look up the live generation once a second: so long after a flip some still read the other one.</summary>
    private static readonly TimeSpan untilQueriesKnow = TimeSpan.FromSeconds(2);

    private static readonly BsonDocument byId = new("_id", ReadModels.StateId);

    public async Task<RebuildStatus> StatusAsync(CancellationToken cancellationToken)
    {
        // In this order: who is told that a rebuild has ended must not be told of the generation that was live before.
        var last = await FindAsync(cancellationToken);
        var state = await models.FindStateAsync(cancellationToken);
        return new(state?.Live ?? 0, state?.Writing ?? [], last);
    }

    /// <summary>Begins to write a new generation and to fill it; one that is under way goes on. Answers why not, or null.</summary>
    public async Task<string?> StartAsync(CancellationToken cancellationToken)
    {
        if (await models.FindStateAsync(cancellationToken) is not { } state) return "There is no read model yet: no projector has started on this database.";
        var last = await FindAsync(cancellationToken);
        if (last is not null && RebuildPhase.IsRunning(last.Phase)) return null;
        if (last?.Phase is RebuildPhase.Live or RebuildPhase.RolledBack && state.Writing.Count > 1)
            return $"Generation {Others(state).Max()} is still written since the last rebuild: retire it first (./shop rebuild --retire).";
        var totals = await writeSide.CountAsync(cancellationToken);

        // A start that was killed here has left a generation that is written and not filled: this one takes it.
        var number = state.Writing.Count > 1 ? Others(state).Max() : Math.Max(state.Writing.Max(), last?.Generation ?? 0) + 1;
        await ReadModelSetup.CreateIndexesAsync(models.Generation(number), cancellationToken);
        var unchanged = new BsonDocument { { "_id", ReadModels.StateId }, { "live", state.Live }, { "writing", new BsonArray(state.Writing) } };
        int[] writing = [.. state.Writing.Append(number).Distinct()];
        var written = await models.States.UpdateOneAsync(unchanged, Set(("writing", new BsonArray(writing))), cancellationToken: cancellationToken);
        if (written.MatchedCount == 0) return "Somebody else has just changed the read model's generations: look again.";

        // Only now: what a projector that did not know of the generation was given, was committed before the first page is read.
        var progress = new RebuildProgress(
            ReadModels.StateId, number, RebuildPhase.Copying, RebuildSources.First, "", 0, totals.Customers + totals.Products + totals.Orders, Guid.Empty, time.GetUtcNow(), Report: null);
        await models.Rebuilds.ReplaceOneAsync(byId, progress, new ReplaceOptions { IsUpsert = true }, cancellationToken);
        return null;
    }

    /// <summary>Makes the filled generation live, in one write; false when it is no longer written.</summary>
    public async Task<bool> FlipAsync(int generation, CancellationToken cancellationToken)
    {
        var stillWritten = new BsonDocument { { "_id", ReadModels.StateId }, { "writing", generation } };
        return (await models.States.UpdateOneAsync(stillWritten, Set(("live", generation)), cancellationToken: cancellationToken)).MatchedCount == 1;
    }

    /// <summary>Makes the generation before the rebuild live again. Answers why not, or null.</summary>
    public async Task<string?> RollBackAsync(CancellationToken cancellationToken)
    {
        var (state, last) = (await models.FindStateAsync(cancellationToken), await FindAsync(cancellationToken));
        if (state is null || last is not { Phase: RebuildPhase.Live } || state.Live != last.Generation || state.Writing.Count < 2)
            return "There is nothing to roll back: no rebuilt generation is live beside the one before it.";
        var before = Others(state).Max();
        var asSeen = new BsonDocument { { "_id", ReadModels.StateId }, { "live", state.Live }, { "writing", before } };
        var written = await models.States.UpdateOneAsync(asSeen, Set(("live", before)), cancellationToken: cancellationToken);
        if (written.MatchedCount == 0) return "Somebody else has just changed the read model's generations: look again.";
        await models.Rebuilds.UpdateOneAsync(byId, Set(("phase", RebuildPhase.RolledBack)), cancellationToken: cancellationToken);
        return null;
    }

    /// <summary>Stops writing every generation but the live one and drops them; a rebuild under way is given up. Answers why not, or null.</summary>
    public async Task<string?> RetireAsync(CancellationToken cancellationToken)
    {
        if (await models.FindStateAsync(cancellationToken) is not { } state) return "There is no read model yet.";
        // Whoever is at it finds that it is no longer his.
        await models.Rebuilds.UpdateOneAsync(byId, Set(("phase", RebuildPhase.Retired), ("owner", Binary(Guid.Empty))), cancellationToken: cancellationToken);
        var unchanged = new BsonDocument { { "_id", ReadModels.StateId }, { "live", state.Live } };
        var written = await models.States.UpdateOneAsync(unchanged, Set(("writing", new BsonArray { state.Live })), cancellationToken: cancellationToken);
        if (written.MatchedCount == 0) return "Somebody else has just changed the live generation: look again.";

        CrashPoint.Reached(CrashPoint.MidRetire);
        await Task.Delay(untilQueriesKnow, time, cancellationToken);
        var newest = Math.Max(state.Writing.Max(), (await FindAsync(cancellationToken))?.Generation ?? 0);
        // All that ever were: a projector that was about to write may have brought one back after it was dropped.
        for (var number = 1; number <= newest; number++)
            if (number != state.Live) await models.Generation(number).DropAsync(cancellationToken);
        return null;
    }

    internal static BsonBinaryData Binary(Guid value) => new(value, GuidRepresentation.Standard);

    private static BsonDocument Set(params ReadOnlySpan<(string Name, BsonValue Value)> fields)
    {
        var set = new BsonDocument();
        foreach (var (name, value) in fields) set.Add(name, value);
        return new("$set", set);
    }

    private static IEnumerable<int> Others(ReadModelState state) => state.Writing.Where(number => number != state.Live);

    private async Task<RebuildProgress?> FindAsync(CancellationToken cancellationToken) =>
        await models.Rebuilds.Find(byId).FirstOrDefaultAsync(cancellationToken);
}
