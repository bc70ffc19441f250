using System.CommandLine;
using System.Globalization;
using Shop.Local.Postgres;
using Shop.Local.Supervision;

namespace Shop.Local.Verbs;

/// <summary>Starts a shop and shows it until Ctrl-C, or leaves it running (<c>--detach</c>).</summary>
internal static class UpVerb
{
    public static Command Create()
    {
        var data = ShopOptions.Data();
        var ephemeral = new Option<bool>("--ephemeral") { Description = "Keep nothing: everything is deleted at the end." };
        var portBase = ShopOptions.PortBase();
        var detach = new Option<bool>("--detach") { Description = "Return when it is up; see shop status and shop down." };
        var (postgres, serviceBus, mongo, yes) = (ShopOptions.Postgres(), ShopOptions.ServiceBus(), ShopOptions.Mongo(), ShopOptions.Yes());
        var command = new Command("up", "Start a shop: PostgreSQL, broker, document store and the three services.") { data, ephemeral, portBase, detach, postgres, serviceBus, mongo, yes };
        command.Validators.Add(result =>
        {
            if (result.GetValue(ephemeral) && result.GetValue(data) is not null)
                result.AddError("--ephemeral and --data exclude each other: an ephemeral shop has a directory of its own, which is deleted.");
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = new LocalShopOptions
            {
                DataDirectory = parsed.GetValue(data),
                Ephemeral = parsed.GetValue(ephemeral),
                PortBase = parsed.GetValue(portBase) ?? ShopPorts.DefaultBase,
                Postgres = parsed.GetValue(postgres),
                ServiceBus = parsed.GetValue(serviceBus),
                Mongo = parsed.GetValue(mongo),
            };
            if (options.Postgres is null) await PostgresInstaller.EnsureAsync(parsed.GetValue(yes), cancellationToken);
            return parsed.GetValue(detach)
                ? await DetachedShop.StartAsync(options, cancellationToken)
                : await RunAsync(options, cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(LocalShopOptions options, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        var screen = new ShopScreen();
        await using var untilStopped = cancellationToken.Register(screen.Complete);
        var shown = screen.ShowAsync();
        LocalShop shop;
        try
        {
            shop = await LocalShop.StartAsync(options, cancellationToken, screen.Report);
        }
        catch (Exception)
        {
            screen.Complete();
            await shown;
            throw;
        }

        await using (shop)
        {
            var seconds = TimeProvider.System.GetElapsedTime(began).TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture);
            screen.Announce($"Up after {seconds} s on {shop.DataDirectory}. Dashboard: {shop.QueriesUrl}/ (./shop seed fills it). Ctrl-C stops it.");
            await shown;
            Console.WriteLine("Stopping.");
        }

        return ShopCommandLine.Done;
    }
}
