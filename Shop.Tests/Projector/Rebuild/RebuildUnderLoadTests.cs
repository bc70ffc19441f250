using System.Diagnostics;
using Shop.Contracts.Commands;
using Shop.Contracts.Views;
using Shop.Local;
using Shop.Local.Administration;
using Shop.Local.Supervision;
using Shop.Tests.Local;

namespace Shop.Tests.Projector.Rebuild;

/// <summary>
/// A whole shop and a second projector beside it, orders and renames all the time, and SIGKILL for whichever projector rebuilds, and for the
/// other one. Nobody does anything but kill; in the end the new generation is live and equals the write side.
/// </summary>
public sealed class RebuildUnderLoadTests
{
    private const int Customers = 20;
    private const int SeededOrders = 1_500;
    private static readonly TimeSpan patience = TimeSpan.FromMinutes(3);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_rebuild_under_load_with_two_projectors_and_kills_of_both_finds_no_difference()
    {
        await using var shop = await LocalShop.StartAsync(
            new()
            {
                Ephemeral = true, PortBase = 0, Fsync = false,
                // Small pages leave time to kill in, a short lease does not let the test wait.
                Environment = new Dictionary<string, string> { ["Shop__Rebuild__PageSize"] = "10", ["Shop__Rebuild__Lease"] = "00:00:02", ["Shop__Rebuild__SettleTime"] = "00:00:30" },
            }, Cancellation);
        using var commands = new HttpClient { BaseAddress = new Uri(shop.CommandsUrl) };
        using var first = new ProjectorAdministration(shop.ProjectorAdminUrl, shop.AdminKey);
        await SeedAsync(commands);

        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var load = LoadAsync(commands, enough.Token);
        await using var second = new SecondProjector(shop);
        await first.RebuildAsync("", Cancellation);
        var done = 0L;
        for (var kill = 0; kill < 3; kill++)
        {
            // Kills whoever is at it, and the other one: the next takes over where the last page was written down.
            var before = done + 150;
            done = await UntilAsync(first, rebuild => rebuild.Phase == RebuildPhase.Copying && rebuild.Done >= before || !RebuildPhase.IsRunning(rebuild.Phase));
            if (kill is 0 or 2) await second.KillAndStartAsync(Cancellation);
            if (kill is 1 or 2) await KillAsync(shop);
        }

        await UntilAsync(first, rebuild => rebuild.Phase is RebuildPhase.Comparing || !RebuildPhase.IsRunning(rebuild.Phase));
        await KillAsync(shop);
        await UntilAsync(first, rebuild => !RebuildPhase.IsRunning(rebuild.Phase));
        await enough.CancelAsync();
        await load;

        var ended = await first.RebuildStatusAsync(Cancellation);
        Assert.True(ended.Rebuild!.Report?.IsEqual(), string.Join('\n', ended.Rebuild.Report?.Differences.Select(found => found.ToString()) ?? []));
        Assert.Equal((RebuildPhase.Live, 2), (ended.Rebuild.Phase, ended.Live));
        await AssertVerbsAsync(shop);
    }

    /// <summary>What a person would ask afterwards, as a person asks it.</summary>
    private static async Task AssertVerbsAsync(LocalShop shop)
    {
        var (exitCode, output, error) = await ShopProgram.RunAsync(["rebuild", "--verify", "--data", shop.DataDirectory], Cancellation);
        Assert.True(exitCode == 0, output + error);
        Assert.Contains("0 missing, 0 extra, 0 different", output, StringComparison.Ordinal);
        (exitCode, output, _) = await ShopProgram.RunAsync(["dlq", "list", "--data", shop.DataDirectory], Cancellation);
        Assert.Equal((0, "0 of 0 dead letters"), (exitCode, output.Trim()));
        (exitCode, output, _) = await ShopProgram.RunAsync(["parked", "list", "--data", shop.DataDirectory], Cancellation);
        Assert.Equal((0, "0 parked"), (exitCode, output.Trim()));
        (exitCode, output, _) = await ShopProgram.RunAsync(["parked", "replay", "--data", shop.DataDirectory], Cancellation);
        Assert.Equal((0, "0 replayed, 0 kept"), (exitCode, output.Trim()));
        (exitCode, _, error) = await ShopProgram.RunAsync(["dlq", "purge", "--data", shop.DataDirectory], Cancellation);
        Assert.Equal(1, exitCode);
        Assert.Contains("say --yes", error, StringComparison.Ordinal);
        (exitCode, output, error) = await ShopProgram.RunAsync(["rebuild", "--rollback", "--data", shop.DataDirectory], Cancellation);
        Assert.True(exitCode == 0, error);
        Assert.Contains("Live: generation 1. Written: 1, 2.", output, StringComparison.Ordinal);
    }

    private static async Task KillAsync(LocalShop shop)
    {
        var restarts = shop.Statuses.Single(status => status.Part == Part.Projector).Restarts;
        await shop.KillAsync(Part.Projector);
        await shop.WaitUntilAsync(Part.Projector, status => status.Restarts > restarts && status.State is PartState.Healthy or PartState.Degraded, Cancellation);
    }

    private static async Task<long> UntilAsync(ProjectorAdministration administration, Predicate<RebuildProgress> condition)
    {
        var done = 0L;
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                var rebuild = (await administration.RebuildStatusAsync(Cancellation)).Rebuild!;
                done = rebuild.Done;
                return condition(rebuild);
            }
            catch (Exception exception) when (exception is HttpRequestException or LocalRunException)
            {
                // The projector that is asked may be the one that was killed.
                return false;
            }
        }, "the rebuild goes on", Cancellation, patience);
        return done;
    }

    private static async Task SeedAsync(HttpClient commands)
    {
        List<Command> seed = [new AddProduct("P1", "Widget", 10.50m), new AddProduct("P2", "Gadget", 25.00m)];
        for (var i = 0; i < Customers; i++) seed.Add(new RegisterCustomer($"C{i}", $"Customer {i}"));
        for (var i = 0; i < SeededOrders; i++) seed.Add(Order($"S{i}", i));
        await PostAsync(commands, seed, Cancellation);
    }

    /// <summary>Places, pays, cancels and renames until it has been enough.</summary>
    private static async Task LoadAsync(HttpClient commands, CancellationToken enough)
    {
        try
        {
            for (var round = 0; ; round++)
            {
                List<Command> some = [];
                // A rename touches every order that has the name: more of them than this would be another test.
                if (round % 10 == 0) some.Add(new RenameCustomer($"C{round / 10 % Customers}", $"Renamed {round}"));
                if (round % 100 == 50) some.Add(new RenameProduct("P1", $"Widget {round}"));
                for (var i = 0; i < 10; i++) some.Add(Order($"L{round}-{i}", round + i));
                some.Add(new PayOrder($"S{round % SeededOrders}"));
                some.Add(new CancelOrder($"L{round}-3"));
                await PostAsync(commands, some, enough);
                await Task.Delay(TimeSpan.FromMilliseconds(50), enough);
            }
        }
        catch (OperationCanceledException) when (enough.IsCancellationRequested)
        {
            return;
        }
    }

    private static PlaceOrder Order(string id, int number) => new(id, $"C{number % Customers}", [new("P1", 1 + (number % 3), 10.50m), new("P2", 1, 25.00m)])
    {
        Timestamp = new DateTimeOffset(2023, 10, 1, 0, 0, 0, TimeSpan.Zero).AddHours(number % 2_000),
    };

    private static async Task PostAsync(HttpClient commands, IReadOnlyList<Command> some, CancellationToken cancellationToken)
    {
        var lines = some.Select(command => System.Text.Json.JsonSerializer.Serialize(command, CommandJson.Default.Command));
        var results = await Commands.CommandsHost.PostLinesAsync(commands, "/commands/batch", lines, cancellationToken);
        Assert.DoesNotContain(results, result => result.Status >= 500);
    }

    /// <summary>One more projector on the same subscription, configured like the shop's own.</summary>
    private sealed class SecondProjector : IAsyncDisposable
    {
        private readonly LocalShop shop;
        private readonly string url = ShopPorts.Url(FreePort.Next());
        private Process process;

        public SecondProjector(LocalShop shop)
        {
            this.shop = shop;
            process = Start();
        }

        public async Task KillAndStartAsync(CancellationToken cancellationToken)
        {
            process.Kill();
            await process.WaitForExitAsync(cancellationToken);
            process.Dispose();
            process = Start();
        }

        public async ValueTask DisposeAsync()
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
            process.Dispose();
        }

        private Process Start()
        {
            var program = ServicePrograms.Find("Shop.Projector");
            var start = new ProcessStartInfo(ServicePrograms.Dotnet, [program]) { WorkingDirectory = Path.GetDirectoryName(program), RedirectStandardOutput = true };
            foreach (var (name, value) in new Dictionary<string, string>
            {
                ["ASPNETCORE_URLS"] = url, ["DOTNET_gcServer"] = "0", ["Logging__LogLevel__Default"] = "Critical",
                ["ConnectionStrings__readdb"] = shop.ReadConnectionString, ["ConnectionStrings__messaging"] = shop.MessagingConnectionString,
                ["services__commands__admin__0"] = shop.CommandsAdminUrl, ["Shop__AdminKey"] = shop.AdminKey,
                ["Shop__Rebuild__PageSize"] = "10", ["Shop__Rebuild__Lease"] = "00:00:02", ["Shop__Rebuild__SettleTime"] = "00:00:30",
            }) start.Environment[name] = value;
            return Process.Start(start) ?? throw new InvalidOperationException("The second projector cannot be started.");
        }
    }
}
