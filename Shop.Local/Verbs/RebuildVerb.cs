using System.CommandLine;
using Shop.Local.Administration;

namespace Shop.Local.Verbs;

/// <summary>Builds the read model anew beside the one that is live, or checks the live one against the write side.</summary>
internal static class RebuildVerb
{
    private const string Orders = "orders";

    public static Command Create()
    {
        var model = new Argument<string?>("MODEL") { Description = "Which read model: orders.", Arity = ArgumentArity.ZeroOrOne };
        var verify = new Option<bool>("--verify") { Description = "Compare the live read model with the write side, and change nothing." };
        var rollback = new Option<bool>("--rollback") { Description = "Make the generation before the rebuild live again." };
        var retire = new Option<bool>("--retire") { Description = "Stop writing every generation but the live one, and drop them; gives up a rebuild under way." };
        var (data, portBase) = (ShopOptions.Data(), ShopOptions.PortBase());
        var command = new Command("rebuild", "Build the read model anew without downtime, compare it with the write side, and make it live.")
        {
            model, verify, rollback, retire, data, portBase,
        };
        command.Validators.Add(result =>
        {
            var steps = new[] { verify, rollback, retire }.Count(result.GetValue);
            if (steps > 1) result.AddError("--verify, --rollback and --retire are different things: one at a time.");
            else if (result.GetValue(model) is { } named && named != Orders) result.AddError($"There is no read model '{named}', only {Orders}.");
            else if (steps == 0 && result.GetValue(model) is null) result.AddError($"Which read model? ./shop rebuild {Orders}");
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var shop = ShopLocator.Find(parsed.GetValue(data), parsed.GetValue(portBase));
            using var administration = new ProjectorAdministration(shop.ProjectorAdminUrl, shop.AdminKey);
            var run = new RebuildRun(administration, TimeProvider.System);
            try
            {
                if (parsed.GetValue(verify)) return await run.VerifyAsync(cancellationToken);
                if (parsed.GetValue(rollback)) return await run.StepAsync("/rollback", cancellationToken);
                if (parsed.GetValue(retire)) return await run.StepAsync("/retire", cancellationToken);
                return await run.RebuildAsync(cancellationToken);
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException)
            {
                throw new LocalRunException($"Shop.Projector does not answer: {exception.Message}", exception);
            }
        });
        return command;
    }
}
