using System.CommandLine;
using System.CommandLine.Parsing;
using Shop.Local.Supervision;

namespace Shop.Local.Verbs;

/// <summary>The options that several verbs share. Made anew for each verb: an option belongs to one command.</summary>
internal static class ShopOptions
{
    private const int LowestBase = 1024;
    private const int HighestBase = 65_000;

    public static Option<string?> Data(string description = "The directory that is the shop (default: .shop in the repository).")
    {
        var option = new Option<string?>("--data") { Description = description, HelpName = "DIR" };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: "" }]) result.AddError("--data takes a directory, not an empty name.");
        });
        return option;
    }

    public static Option<int?> PortBase()
    {
        var option = new Option<int?>("--port-base")
        {
            Description = $"The parts listen on this + 1 and so on (default: {ShopPorts.DefaultBase}).", HelpName = "N",
        };
        option.Validators.Add(result => Between(result, option, LowestBase, HighestBase));
        return option;
    }

    public static Option<bool> Yes() => new("--yes") { Description = "Install what is missing without asking." };

    public static Option<string?> Postgres() => Connection("--postgres", "PostgreSQL");

    public static Option<string?> ServiceBus() => Connection("--servicebus", "Service Bus");

    public static Option<string?> Mongo() => Connection("--mongo", "MongoDB (with the database)");

    public static void Between(OptionResult result, Option<int?> option, int lowest, int highest)
    {
        if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out _)
            && result.GetValue(option) is { } value && (value < lowest || value > highest))
            result.AddError($"{option.Name} takes {lowest} to {highest}, not {value}.");
    }

    private static Option<string?> Connection(string name, string what) =>
        new(name) { Description = $"Use this {what} instead of a local one.", HelpName = "CONNECTION" };
}
