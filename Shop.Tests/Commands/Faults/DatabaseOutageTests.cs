using System.Net;
using Npgsql;
using Shop.Contracts.Commands;
using Shop.Local.Postgres;

namespace Shop.Tests.Commands.Faults;

/// <summary>PostgreSQL goes away and comes back; the service is never restarted.</summary>
public sealed class DatabaseOutageTests : IAsyncLifetime
{
    private LocalPostgres postgres = null!;
    private CommandsHost host = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        postgres = await LocalPostgres.StartAsync(new LocalPostgresOptions { Settings = new Dictionary<string, string> { ["max_connections"] = "25" } }, Cancellation);
        host = await CommandsHost.StartAsync(postgres.ConnectionString, CommandsHost.NoBroker, Cancellation);
        await host.DoAsync(new RegisterCustomer("C", "Customer"), Cancellation);
    }

    [Fact]
    public async Task While_PostgreSQL_is_away_the_answer_is_503_with_Retry_After_and_afterwards_all_is_well()
    {
        await postgres.KillAsync();
        await AssertUnavailableAsync();
        await postgres.StartAsync(Cancellation);
        await AssertRecoversAsync();

        await postgres.StopAsync();
        await AssertUnavailableAsync();
        await postgres.StartAsync(Cancellation);
        await AssertRecoversAsync();
    }

    [Fact]
    public async Task Out_of_connections_is_503_and_then_recovery()
    {
        var taken = new List<NpgsqlConnection>();
        try
        {
            // The writers' sessions are ended while every free place is taken by somebody else.
            await using var killer = new NpgsqlConnection(postgres.ConnectionString);
            await killer.OpenAsync(Cancellation);
            await Eventually.TrueAsync(async () =>
            {
                await using (var end = new NpgsqlCommand("select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name like 'shop-%'", killer))
                    await end.ExecuteScalarAsync(Cancellation);
                await TakeAllAsync(taken);
                using var response = await host.PostAsync(new RegisterCustomer("C", "Customer"), Cancellation);
                return response.StatusCode == HttpStatusCode.ServiceUnavailable && response.Headers.RetryAfter is not null;
            }, "503 while there are no connections", Cancellation);
        }
        finally
        {
            foreach (var connection in taken) await connection.DisposeAsync();
        }

        await AssertRecoversAsync();
    }

    [Fact]
    public async Task A_full_intake_is_answered_at_once_with_503()
    {
        await using var small = await CommandsHost.StartAsync(postgres.ConnectionString, CommandsHost.NoBroker, Cancellation, "--Shop:Intake:Capacity=8");
        await using var blocker = new NpgsqlConnection(postgres.ConnectionString);
        await blocker.OpenAsync(Cancellation);
        await using var transaction = await blocker.BeginTransactionAsync(Cancellation);
        await using (var block = new NpgsqlCommand("lock table customers in access exclusive mode", blocker)) await block.ExecuteNonQueryAsync(Cancellation);

        var turnedAway = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var posting = Task.WhenAll(Enumerable.Range(0, 200).Select(async index =>
        {
            using var response = await small.PostAsync(new RegisterCustomer($"N{index}", "New"), Cancellation);
            var isSaturated = (await response.Content.ReadAsStringAsync(Cancellation)).Contains("saturated", StringComparison.Ordinal);
            if (isSaturated) turnedAway.TrySetResult();
            return (response.StatusCode, IsSaturated: isSaturated, response.Headers.RetryAfter);
        }));
        // Nobody but the lock holds the writers: as soon as a caller has been turned away it is given back.
        await turnedAway.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        await transaction.RollbackAsync(Cancellation);
        var answers = await posting;
        Assert.All(answers.Where(answer => answer.IsSaturated), answer => Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode));
        Assert.All(answers.Where(answer => answer.IsSaturated), answer => Assert.NotNull(answer.RetryAfter));
        Assert.All(answers.Where(answer => !answer.IsSaturated), answer => Assert.Equal(HttpStatusCode.Created, answer.StatusCode));
    }

    private async Task TakeAllAsync(List<NpgsqlConnection> taken)
    {
        var unpooled = new NpgsqlConnectionStringBuilder(postgres.ConnectionString) { Pooling = false, ApplicationName = "greedy" }.ConnectionString;
        try
        {
            while (true)
            {
                var connection = new NpgsqlConnection(unpooled);
                await connection.OpenAsync(Cancellation);
                taken.Add(connection);
            }
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.TooManyConnections)
        {
            return;
        }
    }

    private Task AssertUnavailableAsync() => Eventually.TrueAsync(async () =>
    {
        using var response = await host.PostAsync(new RegisterCustomer("C", "Customer"), Cancellation);
        Assert.True(response.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.Created, $"{response.StatusCode}");
        return response.StatusCode == HttpStatusCode.ServiceUnavailable && response.Headers.RetryAfter is not null;
    }, "503 with Retry-After", Cancellation);

    private Task AssertRecoversAsync() => Eventually.TrueAsync(async () =>
    {
        using var response = await host.PostAsync(new RegisterCustomer("C", "Customer"), Cancellation);
        Assert.True(response.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.Created, $"{response.StatusCode}");
        return response.StatusCode == HttpStatusCode.Created;
    }, "the write side takes commands again", Cancellation);

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        await postgres.DisposeAsync();
    }
}
