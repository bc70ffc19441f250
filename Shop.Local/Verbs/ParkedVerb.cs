using System.CommandLine;
using System.Globalization;
using Shop.Local.Administration;

namespace Shop.Local.Verbs;

/// <summary>Events that the broker refused for good: look at them, and send them again once it takes them.</summary>
internal static class ParkedVerb
{
    public static Command Create() => new("parked", "See or replay the events that the broker refused for good.")
    {
        On(new Command("list", "List them, oldest first; this changes nothing."), ListAsync),
        On(new Command("replay", "Publish them again; what the broker takes is no longer parked."), ReplayAsync),
    };

    private static async Task<int> ListAsync(ParkedAdministration administration, CancellationToken cancellationToken)
    {
        var parked = await administration.ListAsync(cancellationToken);
        foreach (var one in parked)
        {
            Console.WriteLine(string.Join('\t', one.EventId, string.Create(CultureInfo.InvariantCulture, $"{one.Shard}/{one.Position}"),
                one.ParkedAt.ToString("O", CultureInfo.InvariantCulture), one.Type, one.Subject, one.Version.ToString(CultureInfo.InvariantCulture), one.Reason));
        }

        Console.WriteLine($"{parked.Length} parked{(parked.Length == 1_000 ? "; there may be more" : "")}");
        return ShopCommandLine.Done;
    }

    private static async Task<int> ReplayAsync(ParkedAdministration administration, CancellationToken cancellationToken)
    {
        var replay = await administration.ReplayAsync(cancellationToken);
        Console.WriteLine($"{replay.Published} replayed, {replay.KeptParked} kept{(replay.KeptParked > 0 ? ": the broker refuses them again" : "")}");
        return replay.KeptParked == 0 ? ShopCommandLine.Done : ShopCommandLine.Failed;
    }

    private static Command On(Command command, Func<ParkedAdministration, CancellationToken, Task<int>> runAsync)
    {
        var (data, portBase) = (ShopOptions.Data(), ShopOptions.PortBase());
        command.Add(data);
        command.Add(portBase);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var shop = ShopLocator.Find(parsed.GetValue(data), parsed.GetValue(portBase));
            using var administration = new ParkedAdministration(shop.CommandsAdminUrl, shop.AdminKey);
            return await runAsync(administration, cancellationToken);
        });
        return command;
    }
}
