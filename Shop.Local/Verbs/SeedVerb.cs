using System.CommandLine;
using Shop.Local.Import;
using Shop.Local.Seed;

namespace Shop.Local.Verbs;

/// <summary>Fills a running shop with generated data, through the same door as an import.</summary>
internal static class SeedVerb
{
    private const int DefaultOrders = 200;
    private const int MostOrders = 999_999;

    public static Command Create()
    {
        var orders = new Option<int?>("--orders") { Description = $"How many orders (default: {DefaultOrders}).", HelpName = "N" };
        orders.Validators.Add(result => ShopOptions.Between(result, orders, 1, MostOrders));
        var seed = new Option<int?>("--seed") { Description = "Another number, another shop (default: 1).", HelpName = "N" };
        seed.Validators.Add(result => ShopOptions.Between(result, seed, 1, MostOrders));
        var (data, portBase) = (ShopOptions.Data(), ShopOptions.PortBase());
        var command = new Command("seed", "Fill a running shop with generated customers, products and two years of orders.") { orders, seed, data, portBase };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var shop = ShopLocator.Find(parsed.GetValue(data), parsed.GetValue(portBase));
            var generated = new ShopSeed(parsed.GetValue(orders) ?? DefaultOrders, parsed.GetValue(seed) ?? 1, TimeProvider.System.GetUtcNow());
            var directory = Directory.CreateTempSubdirectory("shop-seed-").FullName;
            try
            {
                var file = Path.Combine(directory, "seed.ndjson");
                await generated.WriteAsync(file, cancellationToken);
                using var client = new ImportClient(shop.CommandsAdminUrl, shop.AdminKey);
                return await ImportRun.ShowAsync(client, [file], "rejected.ndjson", cancellationToken) ? ShopCommandLine.Done : ShopCommandLine.Failed;
            }
            finally
            {
                Directory.Delete(directory, recursive: true);
            }
        });
        return command;
    }
}
