namespace Shop.Bench.Measuring;

/// <summary>What a number can only be compared with if it is the same, or is named: stated for both sides.</summary>
/// <param name="Durability">What has happened to the data before it counts as done, such as "fsync on, synchronous_commit on".</param>
/// <param name="Batching">How much is done at once and by how many callers, such as "one commit per order, 32 clients".</param>
/// <param name="Cores">Where it runs, such as "client and server share 2 cores".</param>
internal sealed record Conditions(string Durability, string Batching, string Cores);
