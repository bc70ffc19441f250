using System.Diagnostics.CodeAnalysis;
using Shop.Contracts.Events;

namespace Shop.Commands.Deciding;

/// <summary>What a group has loaded, and what its decisions make of it: later commands see what earlier ones did.</summary>
internal sealed class GroupState
{
    public Dictionary<string, Tracked<CustomerState>> Customers { get; } = new(StringComparer.Ordinal);
    public Dictionary<string, Tracked<ProductState>> Products { get; } = new(StringComparer.Ordinal);
    public Dictionary<string, Tracked<OrderState>> Orders { get; } = new(StringComparer.Ordinal);

    /// <summary>The first answers to commands that were done before, by command id.</summary>
    public Dictionary<string, LoggedCommand> Log { get; } = new(StringComparer.Ordinal);

    /// <summary>The version and the creating command of an aggregate, if it exists.</summary>
    public bool TryFind(AggregateId target, out int version, [NotNullWhen(true)] out byte[]? createdHash)
    {
        (version, createdHash) = target.Kind switch
        {
            AggregateKind.Customer when Customers.TryGetValue(target.Id, out var found) => (found.State.Version, found.CreatedHash),
            AggregateKind.Product when Products.TryGetValue(target.Id, out var found) => (found.State.Version, found.CreatedHash),
            AggregateKind.Order when Orders.TryGetValue(target.Id, out var found) => (found.State.Version, found.CreatedHash),
            _ => (0, null),
        };
        return createdHash is not null;
    }
}

/// <summary>One aggregate in a group.</summary>
/// <param name="state">As loaded, or as just created.</param>
/// <param name="createdHash">The hash of the command that created it.</param>
/// <param name="loadedVersion">Its version in the database; 0 when this group creates it.</param>
internal sealed class Tracked<TState>(TState state, byte[] createdHash, int loadedVersion)
{
    public TState State { get; set; } = state;
    public byte[] CreatedHash { get; } = createdHash;
    public int LoadedVersion { get; } = loadedVersion;
    public bool Changed { get; set; } = loadedVersion == 0;
}

/// <summary>A row of the command log.</summary>
internal sealed record LoggedCommand(byte[] PayloadHash, LoggedResult Result);

/// <summary>The answer kept in the command log.</summary>
internal sealed record LoggedResult(string Kind, string Id, int Version, bool Created);
