using Shop.Contracts.Administration;

namespace Shop.Local.Administration;

/// <summary>The administration port of Shop.Commands, as far as parked events go.</summary>
/// <param name="adminUrl">Its address.</param>
/// <param name="adminKey">Its key.</param>
public sealed class ParkedAdministration(string adminUrl, string adminKey) : IDisposable
{
    private readonly AdministrationClient http = new("Shop.Commands", adminUrl, adminKey);

    /// <summary>The oldest 1,000.</summary>
    public Task<ParkedEvent[]> ListAsync(CancellationToken cancellationToken) =>
        http.SendAsync(HttpMethod.Get, "/parked", AdministrationJson.Default.ParkedEventArray, cancellationToken);

    /// <summary>Publishes them again, as many as there are, and stops at the first round in which the broker takes none.</summary>
    public async Task<ParkedReplay> ReplayAsync(CancellationToken cancellationToken)
    {
        var total = new ParkedReplay(0, 0);
        while (true)
        {
            var round = await http.SendAsync(HttpMethod.Post, "/parked/replay", AdministrationJson.Default.ParkedReplay, cancellationToken);
            total = new(total.Published + round.Published, round.KeptParked);
            if (round.Published == 0) return total;
        }
    }

    public void Dispose() => http.Dispose();
}
