using System.CommandLine;
using Shop.Local.Supervision;

namespace Shop.Local.Verbs;

/// <summary>Shows a running shop; exit code 1 when none runs, or one of its parts is not up.</summary>
internal static class StatusVerb
{
    public static Command Create()
    {
        var (data, portBase) = (ShopOptions.Data(), ShopOptions.PortBase());
        var command = new Command("status", "Show the shop that is running.") { data, portBase };
        command.SetAction(parsed =>
        {
            var shop = ShopLocator.Find(parsed.GetValue(data), parsed.GetValue(portBase));
            ShopScreen.Write(shop.State.Parts);
            Console.WriteLine($"Data and logs: {shop.Directory}");
            return shop.State.IsReady && shop.State.Parts.All(part => part.State is PartState.Healthy or PartState.Degraded or PartState.External)
                ? ShopCommandLine.Done : ShopCommandLine.Failed;
        });
        return command;
    }
}
