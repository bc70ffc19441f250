using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Shop.Local;
using Shop.Local.Import;
using Shop.Local.Supervision;

namespace Shop.Tests.Local;

public sealed class RunningLocalShop : IAsyncLifetime
{
    public LocalShop Shop { get; private set; } = null!;

    public async ValueTask InitializeAsync() =>
        Shop = await LocalShop.StartAsync(new() { Ephemeral = true, PortBase = 0, Fsync = false }, TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync() => Shop.DisposeAsync();
}

public sealed class LocalShopTests(RunningLocalShop running) : IClassFixture<RunningLocalShop>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private LocalShop Shop => running.Shop;

    [Theory]
    [InlineData(Part.Queries)]
    [InlineData(Part.Broker)]
    public async Task A_killed_part_comes_back_and_the_table_says_so(Part part)
    {
        var before = Shop.Statuses.Single(status => status.Part == part);
        await Shop.KillAsync(part);
        // Every word while it comes back: a part that is degraded at first has words of its own for that.
        List<string> notes = [];
        await Shop.WaitUntilAsync(part, status =>
        {
            if (status.Restarts == before.Restarts + 1 && status.Note is { } note) notes.Add(note);
            return status.State == PartState.Healthy && status.Restarts == before.Restarts + 1;
        }, Token);
        var after = Shop.Statuses.Single(status => status.Part == part);
        Assert.NotEqual(before.ProcessId, after.ProcessId);
        Assert.Contains(notes, note => note.StartsWith("ended with exit code 137", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_killed_part_comes_back_although_the_state_cannot_be_written()
    {
        var restarts = Shop.Statuses.Single(status => status.Part == Part.Store).Restarts;
        // As a full disk would: the file that the state is written to cannot be opened.
        var obstacle = Directory.CreateDirectory(Path.Combine(Shop.DataDirectory, "shop.json.new"));
        await Shop.KillAsync(Part.Store);
        await Shop.WaitUntilAsync(Part.Store, status => status.State == PartState.Healthy && status.Restarts == restarts + 1, Token).WaitAsync(TimeSpan.FromSeconds(60), Token);
        obstacle.Delete();
    }

    [Fact]
    public async Task A_part_stopped_on_request_stays_down_until_it_is_started()
    {
        await Shop.StopAsync(Part.Store);
        Assert.Equal(PartState.Stopped, Shop.Statuses.Single(status => status.Part == Part.Store).State);
        Assert.True(FreePort.IsFree(Shop.Ports.Store));
        await Shop.StartAsync(Part.Store, Token);
        Assert.Equal(PartState.Healthy, Shop.Statuses.Single(status => status.Part == Part.Store).State);
    }

    [Fact]
    public async Task A_second_shop_runs_beside_it_and_leaves_nothing_behind()
    {
        List<int> processes;
        string directory;
        ShopPorts ports;
        await using (var second = await LocalShop.StartAsync(new() { Ephemeral = true, PortBase = 0, Fsync = false }, Token))
        {
            processes = [.. second.Statuses.Select(status => status.ProcessId!.Value)];
            (directory, ports) = (second.DataDirectory, second.Ports);
            Assert.Equal(6, processes.Count);
            Assert.NotEqual(Shop.Ports.Base, ports.Base);
            Assert.All(second.Statuses, status => Assert.Equal(PartState.Healthy, status.State));
        }

        Assert.DoesNotContain(processes, ShopProgram.IsAlive);
        Assert.False(Directory.Exists(directory));
        Assert.True(FreePort.IsFree(ports.Postgres));
        Assert.True(FreePort.IsFree(ports.Commands));
    }

    [Fact]
    public async Task A_service_is_told_only_what_it_needs()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "reads /proc");
        var environment = await File.ReadAllTextAsync($"/proc/{Shop.Statuses.Single(status => status.Part == Part.Queries).ProcessId}/environ", Token);
        Assert.Contains("ConnectionStrings__readdb=", environment, StringComparison.Ordinal);
        Assert.DoesNotContain("ConnectionStrings__shopdb=", environment, StringComparison.Ordinal);
        Assert.DoesNotContain("ConnectionStrings__messaging=", environment, StringComparison.Ordinal);
        Assert.DoesNotContain(Shop.AdminKey, environment, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_in_use_is_said_in_one_sentence_and_nothing_is_started()
    {
        var ports = ShopPorts.Free();
        using var listener = new TcpListener(IPAddress.Loopback, ports.Projector);
        listener.Start();
        var refused = await Assert.ThrowsAsync<LocalRunException>(() => LocalShop.StartAsync(new() { Ephemeral = true, PortBase = ports.Base }, Token));
        Assert.Equal($"Port {ports.Projector} (Shop.Projector) is in use by another program: choose another range with --port-base.", refused.Message);
    }

    [Fact]
    public async Task A_directory_in_use_is_said_in_one_sentence()
    {
        var refused = await Assert.ThrowsAsync<LocalRunException>(() => LocalShop.StartAsync(new() { DataDirectory = Shop.DataDirectory, PortBase = 0 }, Token));
        Assert.StartsWith($"A shop is already running on {Shop.DataDirectory}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_import_sent_twice_is_replayed_and_refused_lines_are_kept_with_their_reasons()
    {
        using var directory = new TemporaryDirectory();
        var (file, rejected) = (Path.Combine(directory.Path, "a.ndjson"), Path.Combine(directory.Path, "rejected.ndjson"));
        await File.WriteAllTextAsync(file, """
            {"type":"RegisterCustomer","customerId":"IMP1","name":"Im Port"}
            {"type":"AddProduct","productId":"IMP-P1","name":"Crate","price":4.25}

            {"type":"PlaceOrder","orderId":"IMP-O1","customerId":"IMP1","items":[{"productId":"IMP-P1","quantity":3,"price":4.25}],"timestamp":"2020-02-02T00:00:00Z"}
            {"type":"PayOrder","orderId":"IMP-O1","timestamp":"2020-02-03T00:00:00Z"}
            """, Token);
        Assert.Equal((4, 0, 0), await ImportAsync(file, rejected));
        Assert.False(File.Exists(rejected));
        Assert.Equal((0, 4, 0), await ImportAsync(file, rejected));

        await File.AppendAllTextAsync(file, "\n{not json\n{\"type\":\"PayOrder\",\"orderId\":\"IMP-O9\"}\n", Token);
        // Another content is another file: what creates is still recognised by itself, a payment is not.
        Assert.Equal((0, 3, 3), await ImportAsync(file, rejected));
        var lines = await File.ReadAllLinesAsync(rejected, Token);
        Assert.Contains(lines, line => line.Contains("\"line\":6,\"status\":400", StringComparison.Ordinal) && line.Contains("{not json", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("\"line\":7,\"status\":422", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_administration_key_is_wanted()
    {
        using var http = new HttpClient();
        using var body = new StringContent("{}\n", new MediaTypeHeaderValue("application/x-ndjson"));
        using var response = await http.PostAsync(new Uri(Shop.CommandsAdminUrl + "/import"), body, Token);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    private async Task<(long Accepted, long Replayed, long Refused)> ImportAsync(string file, string rejected)
    {
        using var client = new ImportClient(Shop.CommandsAdminUrl, Shop.AdminKey);
        var totals = await client.SendAsync([file], rejected, (_, _) => { }, Token);
        return (totals.Accepted, totals.Replayed, totals.Refused);
    }
}
