using Microsoft.AspNetCore.Http;
using MongoDB.Bson;
using MongoDB.Driver;
using MongoDB.Driver.Core.Events;
using Shop.Contracts.Events;
using Shop.Projector.Projection;
using Shop.Queries.Consistency;
using Shop.Queries.Http;
using Shop.Tests.Projector;

namespace Shop.Tests.Queries;

public sealed class SeenWaitTests(ReadStore store) : IClassFixture<ReadStore>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_wait_that_outlasts_a_flip_ends_in_the_generation_that_is_live_then()
    {
        var connection = store.NewConnectionString();
        var models = store.Open(connection);
        await ReadModelSetup.CreateAsync(models, Cancellation);
        var looked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var flipped = new ManualResetEventSlim();
        var settings = MongoClientSettings.FromConnectionString(connection);
        settings.ClusterConfigurator = cluster => cluster.Subscribe<CommandSucceededEvent>(command =>
        {
            if (command.CommandName != "find" || command.Reply["cursor"]["ns"].AsString is var name && !name.EndsWith(".customers", StringComparison.Ordinal)) return;
            looked.TrySetResult();
            flipped.Wait(Eventually.Deadline, Cancellation);
        });
        using var client = new MongoClient(settings);
        var time = new LeapingTime();
        var wait = new SeenWait(new LiveReadModel(new(client.GetDatabase(new MongoUrl(connection).DatabaseName)), time), time);
        var request = new DefaultHttpContext().Request;
        request.Headers["Prefer"] = "wait=30";

        var waiting = wait.ForAsync([new(SeenKind.Customer, "C1", 1)], request, Cancellation);
        await looked.Task.WaitAsync(Eventually.Deadline, Cancellation);
        // Meanwhile a rebuilt generation goes live and the old one is retired.
        await models.States.UpdateOneAsync(
            state => state.Live == 1, new BsonDocument("$set", new BsonDocument { { "live", 2 }, { "writing", new BsonArray { 2 } } }), cancellationToken: Cancellation);
        time.Leap(TimeSpan.FromSeconds(2));
        await foreach (var _ in new OrderProjection(models, TimeProvider.System).ApplyAsync(new ProjectionBatch([History.Event(new CustomerState("C1", "Alice Smith", 1, 1))]), Cancellation)) { }
        flipped.Set();

        var (generation, state, refusal) = await waiting;
        Assert.Null(refusal);
        Assert.Equal(1, state!.Customers["C1"].Version);
        Assert.Equal(2, generation.Number);
    }

    private sealed class LeapingTime : TimeProvider
    {
        private long leapt;

        public void Leap(TimeSpan by) => Interlocked.Add(ref leapt, (long)(by.TotalSeconds * TimestampFrequency));

        public override long GetTimestamp() => base.GetTimestamp() + Interlocked.Read(ref leapt);
    }
}
