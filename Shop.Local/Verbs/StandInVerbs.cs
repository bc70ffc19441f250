namespace Shop.Local.Verbs;

/// <summary>The broker and the document store, each alone: also how a shop starts them.</summary>
internal static class StandInVerbs
{
    public static Task<int> RunAsync(string verb, string[] args, CancellationToken cancellationToken) =>
        throw new LocalRunException($"{verb} {string.Join(' ', args)} does not exist yet.");
}
