using System.Diagnostics;
using System.Globalization;
using Shop.Local;
using Shop.Local.Administration;
using Shop.Local.Supervision;

namespace Shop.Tests.Local;

/// <summary>What can happen between a question and its answer, and what was left behind.</summary>
public sealed class SupervisionTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_part_that_ended_and_that_nobody_waits_for_is_not_waited_for_either()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "reads /proc");
        // A shell that becomes a program which never asks for the exit code of the child that it has.
        using var parent = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "sleep 600 & echo $!; exec sleep 600"]) { RedirectStandardOutput = true })!;
        try
        {
            var id = int.Parse((await parent.StandardOutput.ReadLineAsync(Token))!, CultureInfo.InvariantCulture);
            await ShopProgram.WaitUntilAsync(() => new[] { id, parent.Id }.All(process => File.ReadAllText($"/proc/{process}/comm").Trim() == "sleep"), "both are what they become", Token);
            using var part = Process.GetProcessById(id);
            var left = new ShopState(1, 1, IsReady: true, [new(Part.Store, PartState.Healthy, "", id, part.StartTime)]);
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Token);
            deadline.CancelAfter(TimeSpan.FromSeconds(10));
            await Orphans.EndAsync(left, deadline.Token);
            Assert.False(ShopProgram.IsAlive(id));
        }
        finally
        {
            parent.Kill();
        }
    }

    [Fact]
    public void A_shop_that_stops_while_it_is_looked_for_is_none()
    {
        using var directory = new TemporaryDirectory();
        // There when it is asked for, and gone when it is read.
        File.CreateSymbolicLink(Path.Combine(directory.Path, "shop.json"), Path.Combine(directory.Path, "gone"));
        Assert.Null(ShopDirectory.ReadState(directory.Path));
    }

    [Fact]
    public async Task A_service_that_does_not_answer_in_time_is_said_to()
    {
        using var silent = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        silent.Start();
        using var administration = new AdministrationClient("Shop.Projector", $"http://{silent.LocalEndpoint}", "key", TimeSpan.FromMilliseconds(50));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/rebuild");
        var refused = await Assert.ThrowsAsync<LocalRunException>(() => administration.SendAsync(request, HttpCompletionOption.ResponseContentRead, Token));
        Assert.StartsWith("Shop.Projector has not answered", refused.Message, StringComparison.Ordinal);
    }
}
