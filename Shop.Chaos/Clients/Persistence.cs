using Shop.Chaos.History;
using Shop.Chaos.Schedule;
using Shop.Contracts.Commands;

namespace Shop.Chaos.Clients;

/// <summary>Sends a command until it is answered: the same content and command id to one instance or the other, sometimes to both at once.</summary>
internal sealed class Persistence(int client, ShopClient shop, Func<string, string> urlOf, TimeProvider time)
{
    private const int MaxAttempts = 7;

    /// <summary>What the answers say.</summary>
    public Knowledge Knowledge { get; } = new();

    public async Task<Answer> SendAsync(Intent intent, int? ifMatch, Random random, CancellationToken stop)
    {
        var answer = Answer.Refused;
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            var first = random.Next(Topology.Commands.Length);
            // A renaming done twice shows; a payment done twice would be refused by the order's status.
            var both = random.Next(intent.Command is RenameCustomer or RenameProduct ? 3 : 12) == 0;
            Task<CommandAttempt>[] trying = both
                ? [TryAsync(intent, ifMatch, first, random), TryAsync(intent, ifMatch, 1 - first, random)]
                : [TryAsync(intent, ifMatch, first, random)];
            var tries = await Task.WhenAll(trying);
            if (tries.Any(one => one.Answer == Answer.Done))
            {
                // A user who clicks again: the answer must be the first one.
                if (random.Next(25) == 0) await TryAsync(intent, ifMatch, random.Next(Topology.Commands.Length), random);
                return Answer.Done;
            }

            if (tries.Any(one => one.Answer == Answer.Unknown)) answer = Answer.Unknown;
            if (tries.All(one => one.Answer == Answer.Refused && one.Status != 503)) return answer;
            if (stop.IsCancellationRequested) return answer;
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(50, 200 * attempt)), time, CancellationToken.None);
        }

        return answer;
    }

    private async Task<CommandAttempt> TryAsync(Intent intent, int? ifMatch, int instance, Random random)
    {
        var to = Topology.Commands[instance];
        var patience = TimeSpan.FromMilliseconds(random.Next(10) == 0 ? 150 : 2500);
        var attempt = await shop.SendAsync(client, intent, ifMatch, to, urlOf(to), patience);
        if (attempt is { Answer: Answer.Done, Version: { } version }) Knowledge.Know(intent.Subject, version);
        return attempt;
    }
}
