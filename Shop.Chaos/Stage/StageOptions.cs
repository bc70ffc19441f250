namespace Shop.Chaos.Stage;

/// <summary>How the shop under test is started.</summary>
/// <param name="Directory">Its data, logs and crash points.</param>
/// <param name="Disks">Data directories on small file systems of their own.</param>
/// <param name="BrokerArguments">Further arguments of the local broker.</param>
/// <param name="Environment">Further environment of a service, such as a seeded bug.</param>
internal sealed record StageOptions(
    string Directory, IReadOnlyList<SmallDisk> Disks, IReadOnlyList<string> BrokerArguments, Func<string, IReadOnlyDictionary<string, string>> Environment);
