using System.CommandLine;
using Shop.Local.Postgres;
using Shop.Local.Supervision;

namespace Shop.Local.Verbs;

/// <summary>One order all the way, on a shop of its own that is gone afterwards.</summary>
internal static class DemoVerb
{
    public static Command Create()
    {
        var (postgres, serviceBus, mongo, yes) = (ShopOptions.Postgres(), ShopOptions.ServiceBus(), ShopOptions.Mongo(), ShopOptions.Yes());
        var command = new Command("demo", "Start a shop of its own, place one order, show it in the read model, stop.") { postgres, serviceBus, mongo, yes };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = new LocalShopOptions
            {
                Ephemeral = true, PortBase = 0,
                Postgres = parsed.GetValue(postgres), ServiceBus = parsed.GetValue(serviceBus), Mongo = parsed.GetValue(mongo),
            };
            if (options.Postgres is null) await PostgresInstaller.EnsureAsync(parsed.GetValue(yes), cancellationToken);
            Console.WriteLine("Starting a shop of its own: PostgreSQL, a broker, a document store and three services.");
            await using var shop = await LocalShop.StartAsync(options, cancellationToken);
            await DemoOrder.RunAsync(shop.CommandsUrl, shop.QueriesUrl, cancellationToken);
            Console.WriteLine("Stopping. ./shop up starts one that stays, with a dashboard in the browser.");
            return ShopCommandLine.Done;
        });
        return command;
    }
}
