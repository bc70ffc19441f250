using Shop.Local.Mongo;
using Shop.Local.ServiceBus;

namespace Shop.Local.Verbs;

/// <summary>The broker and the document store, each alone: also how a shop starts them.</summary>
internal static class StandInVerbs
{
    public static Task<int> RunAsync(string verb, string[] args, CancellationToken cancellationToken) =>
        verb == "servicebus" ? ServiceBusVerb.RunAsync(args, cancellationToken) : MongoVerb.RunAsync(args, cancellationToken);
}
