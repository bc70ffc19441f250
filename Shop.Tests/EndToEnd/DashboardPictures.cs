using Microsoft.Playwright;
using Shop.Contracts.Commands;
using Shop.Tests.Architecture;
using static Microsoft.Playwright.Assertions;

namespace Shop.Tests.EndToEnd;

/// <summary>The page as the README shows it: a customer with some history who has just ordered.</summary>
internal static class DashboardPictures
{
    private const string Customer = "CUST987";
    private static readonly (string Name, decimal Price)[] catalogue =
        [("Oak desk, 140 cm", 289m), ("Desk lamp, brass", 64.90m), ("Swivel chair", 199m), ("Teapot, 1 litre", 36.40m), ("Mug, stoneware", 12.90m), ("Throw, wool", 79m)];

    public static async Task TakeAsync(DashboardShop shop)
    {
        await SeedAsync(shop);
        var folder = Directory.CreateDirectory(Path.Combine(Repository.Root, "docs/images")).FullName;
        foreach (var (name, scheme, width, height) in new[]
        {
            ("dashboard-light", ColorScheme.Light, 1360, 860), ("dashboard-dark", ColorScheme.Dark, 1360, 860), ("dashboard-phone", ColorScheme.Light, 390, 844),
        })
        {
            await using var open = await shop.OpenAsync($"/?customer={Customer}", width, height, scheme, locale: "en-GB");
            await Expect(open.Orders.First).ToBeVisibleAsync();
            if (width > 900) await OrderAsync(open);
            // The marks of a change have faded, and the chart has a course.
            await Expect(open.Page.Locator("#chart path.p99")).ToHaveAttributeAsync("d", new System.Text.RegularExpressions.Regex("L.*L"));
            await open.Page.ScreenshotAsync(new() { Path = Path.Combine(folder, name + ".png"), Animations = ScreenshotAnimations.Disabled, Caret = ScreenshotCaret.Hide });
        }
    }

    private static async Task OrderAsync(OpenPage open)
    {
        await open.ChooseProductAsync("Teapot");
        await open.Button("+ Add a product").ClickAsync();
        await open.ChooseProductAsync("Mug", 2);
        await open.Page.GetByLabel("Quantity, line 2").FillAsync("4");
        await open.Button("Place order").ClickAsync();
        await Expect(open.Moment("Order WEB-").Locator(".badge")).ToHaveTextAsync("Visible");
        await open.Orders.First.GetByRole(AriaRole.Button).First.ClickAsync();
        await Expect(open.Moment("Pay WEB-").Locator(".badge")).ToHaveTextAsync("Visible");
        await open.ChooseProductAsync("Desk lamp");
        await open.Page.GetByLabel("Product, line 1").BlurAsync();
    }

    private static async Task SeedAsync(DashboardShop shop)
    {
        var random = new Random(7);
        var start = TimeProvider.System.GetUtcNow().AddDays(-90);
        List<Command> commands = [new RegisterCustomer(Customer, "Alice Smith")];
        commands.AddRange(catalogue.Select((product, index) => new AddProduct($"PROD{index:000}", product.Name, product.Price)));
        for (var order = 1; order <= 30; order++)
        {
            var id = $"ORD{12300 + order}";
            var at = start.AddDays(order * 2.7).AddMinutes(random.Next(600));
            var lines = Enumerable.Range(0, catalogue.Length).OrderBy(_ => random.Next()).Take(random.Next(1, 4));
            commands.Add(new PlaceOrder(id, Customer, [.. lines.Select(product => new PlaceOrderLine($"PROD{product:000}", random.Next(1, 4), catalogue[product].Price))]) { Timestamp = at });
            if (order is 27) commands.Add(new CancelOrder(id) { Timestamp = at.AddHours(2) });
            else if (order < 30) commands.Add(new PayOrder(id) { Timestamp = at.AddHours(3) });
            if (order < 27) commands.Add(new ShipOrder(id) { Timestamp = at.AddHours(30) });
        }

        await shop.SendAsync([.. commands]);
    }
}
