using System.CommandLine;
using Shop.Local.Import;

namespace Shop.Local.Verbs;

/// <summary>Sends NDJSON files of commands to a running shop; twice is as good as once.</summary>
internal static class ImportVerb
{
    public static Command Create()
    {
        var paths = new Argument<string[]>("PATH") { Description = "NDJSON files, or directories (their *.ndjson in name order).", Arity = ArgumentArity.OneOrMore };
        var rejected = new Option<string>("--rejected") { Description = "Where refused lines go, with their reasons.", HelpName = "FILE", DefaultValueFactory = _ => "rejected.ndjson" };
        var (data, portBase) = (ShopOptions.Data(), ShopOptions.PortBase());
        var command = new Command("import", "Send files of commands to a running shop. Sending one again changes nothing.") { paths, rejected, data, portBase };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var shop = ShopLocator.Find(parsed.GetValue(data), parsed.GetValue(portBase));
            using var client = new ImportClient(shop.CommandsAdminUrl, shop.AdminKey);
            return await ImportRun.ShowAsync(client, parsed.GetRequiredValue(paths), parsed.GetRequiredValue(rejected), cancellationToken)
                ? ShopCommandLine.Done : ShopCommandLine.Failed;
        });
        return command;
    }
}
