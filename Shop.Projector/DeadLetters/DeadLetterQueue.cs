using System.Text;
using Shop.Contracts.Administration;
using Shop.Projector.Hosting;
using Shop.Projector.Projection;
using Shop.ServiceDefaults.Messaging;

namespace Shop.Projector.DeadLetters;

/// <summary>The projector's dead letters. Looking changes nothing; a replay publishes before it completes, so that a kill in between leaves a duplicate, never a loss.</summary>
internal sealed class DeadLetterQueue(BusClient bus, TimeProvider time) : IDisposable
{
    public const int MostListed = 1_000;

    /// <summary>So many are looked at; purging or replaying some brings the next ones into sight.</summary>
    public const int MostLookedAt = 10_000;

    private const int BodyLimit = 4 * 1024 * 1024;
    private const int Prefetch = 2_000;
    private const int PublishPage = 100;

    /// <summary>For the broker to accept what is replayed, before the rest is kept.</summary>
    private static readonly TimeSpan publishTimeout = TimeSpan.FromSeconds(20);

    /// <summary>
    /// When nothing came for so long, the rest is locked by somebody else. Longer than the subscription's lock, so that what a receiver which
    /// has just ended still holds is waited for; nobody waits when everything wanted comes.
    /// </summary>
    private static readonly TimeSpan quiet = TimeSpan.FromSeconds(20);

    // Two at once would lock each other's letters away.
    private readonly SemaphoreSlim one = new(1, 1);

    public async Task<DeadLetterList> ListAsync(DeadLetterFilter filter, int limit, CancellationToken cancellationToken)
    {
        List<DeadLetter> found = [];
        var lookedAt = 0;
        await foreach (var letter in PeekAsync(cancellationToken))
        {
            lookedAt++;
            if (!filter.Matches(letter)) continue;
            if (found.Count == limit) return new(found, lookedAt, IsComplete: false);
            found.Add(Describe(letter));
        }

        return new(found, lookedAt, lookedAt < MostLookedAt);
    }

    /// <summary>How many wait, counted up to <see cref="MostListed"/>.</summary>
    public async Task<int> CountAsync(CancellationToken cancellationToken)
    {
        var count = 0;
        await foreach (var _ in PeekAsync(cancellationToken))
            if (++count == MostListed) break;
        return count;
    }

    /// <summary>Null when there is none of that number.</summary>
    public async Task<DeadLetterContent?> FindAsync(long sequence, CancellationToken cancellationToken)
    {
        await using var browser = await bus.BrowseDeadLettersAsync(ProjectorSubscription.Topic, ProjectorSubscription.Name, cancellationToken);
        var page = await browser.PeekAsync(sequence, 1, BodyLimit, cancellationToken);
        if (page is not [{ } letter] || letter.SequenceNumber != sequence) return null;
        return new(Describe(letter), letter.Time == default ? null : letter.Time, letter.TraceParent, letter.DeliveryCount, Encoding.UTF8.GetString(letter.Data.Span));
    }

    public Task<DeadLetterOutcome> PurgeAsync(DeadLetterFilter filter, CancellationToken cancellationToken) =>
        TakeAsync(filter, async (receiver, letters, token) =>
        {
            await receiver.CompleteAsync(letters, token);
            return [];
        }, cancellationToken);

    public async Task<DeadLetterOutcome> ReplayAsync(DeadLetterFilter filter, CancellationToken cancellationToken)
    {
        await using var publisher = bus.CreatePublisher(ProjectorSubscription.Topic);
        return await TakeAsync(filter, (receiver, letters, token) => ReplayAsync(publisher, receiver, letters, token), cancellationToken);
    }

    /// <summary>
    /// Replays what only a projector older than this one could not read: after an upgrade nobody has to think of it. Answers how many. Several
    /// that do so at once leave duplicates, which change nothing.
    /// </summary>
    public async Task<int> ReplayKnownAsync(CancellationToken cancellationToken)
    {
        var unknown = await ListAsync(new(PoisonReason.UnknownType, Type: null, Subject: null, Sequence: null), MostListed, cancellationToken);
        var replayed = 0;
        foreach (var type in unknown.DeadLetters.Select(letter => letter.Type).Distinct().Where(EventDecoder.Knows))
            replayed += (await ReplayAsync(new(PoisonReason.UnknownType, type, Subject: null, Sequence: null), cancellationToken)).Done;
        return replayed;
    }

    public void Dispose() => one.Dispose();

    /// <summary>Publishes, and completes what the broker has accepted. Answers why each of the others is kept.</summary>
    internal static async Task<IReadOnlyList<string>> ReplayAsync(
        EventPublisher publisher, EventReceiver receiver, IReadOnlyList<ReceivedEvent> letters, CancellationToken cancellationToken)
    {
        List<string> kept = [];
        List<ReceivedEvent> keptLetters = [.. letters.Where(letter => letter.FormatError is not null)];
        kept.AddRange(keptLetters.Select(letter => $"not an event: {letter.FormatError}"));
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(publishTimeout);
        foreach (var page in letters.Where(letter => letter.FormatError is null).Chunk(PublishPage))
        {
            try
            {
                var results = await publisher.PublishAsync([.. page.Select(Again)], patience.Token);
                await receiver.CompleteAsync([.. page.Where((_, index) => results[index].Status == PublishStatus.Accepted)], cancellationToken);
                keptLetters.AddRange(page.Where((_, index) => results[index].Status != PublishStatus.Accepted));
                kept.AddRange(results.Where(result => result.Status != PublishStatus.Accepted).Select(result => result.Reason ?? "not accepted"));
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                keptLetters.AddRange(page);
                kept.AddRange(page.Select(_ => "the broker did not answer in time"));
            }
        }

        await receiver.ReleaseAsync(keptLetters, cancellationToken);
        return kept;
    }

    /// <summary>Takes those that match; all others go back as they were.</summary>
    private async Task<DeadLetterOutcome> TakeAsync(
        DeadLetterFilter filter, Func<EventReceiver, IReadOnlyList<ReceivedEvent>, CancellationToken, Task<IReadOnlyList<string>>> handleAsync,
        CancellationToken cancellationToken)
    {
        await one.WaitAsync(cancellationToken);
        try
        {
            var wanted = new HashSet<long>();
            await foreach (var letter in PeekAsync(cancellationToken))
                if (filter.Matches(letter) && letter.SequenceNumber is { } sequence) wanted.Add(sequence);
            var matching = wanted.Count;
            List<string> kept = [];
            // A receiver holds so many at most: those in front that do not match may fill one.
            List<EventReceiver> receivers = [];
            try
            {
                while (wanted.Count > 0 && receivers.Count < MostLookedAt / Prefetch)
                {
                    var receiver = bus.CreateReceiver(
                        ProjectorSubscription.Topic, ProjectorSubscription.Name, new EventReceiverOptions { DeadLetterQueue = true, Prefetch = Prefetch });
                    receivers.Add(receiver);
                    if (!await DrainAsync(receiver, wanted, handleAsync, kept, cancellationToken)) break;
                }
            }
            finally
            {
                foreach (var receiver in receivers) await receiver.DisposeAsync();
            }

            kept.AddRange(wanted.Select(_ => "locked by somebody else just now"));
            return new(matching - kept.Count, kept.Count, [.. kept.Distinct().Take(20)]);
        }
        finally
        {
            one.Release();
        }
    }

    /// <summary>Whether the receiver was filled by letters that nobody wants, so that another one is needed.</summary>
    private async Task<bool> DrainAsync(
        EventReceiver receiver, HashSet<long> wanted, Func<EventReceiver, IReadOnlyList<ReceivedEvent>, CancellationToken, Task<IReadOnlyList<string>>> handleAsync,
        List<string> kept, CancellationToken cancellationToken)
    {
        var held = 0;
        while (wanted.Count > 0 && held < Prefetch)
        {
            using var silence = new CancellationTokenSource(quiet, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, cancellationToken);
            IReadOnlyList<ReceivedEvent> batch;
            try
            {
                batch = await receiver.ReceiveBatchAsync(Prefetch, either.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return false;
            }

            ReceivedEvent[] matching = [.. batch.Where(letter => letter.SequenceNumber is { } sequence && wanted.Remove(sequence))];
            held += batch.Count - matching.Length;
            if (matching.Length > 0) kept.AddRange(await handleAsync(receiver, matching, cancellationToken));
        }

        return true;
    }

    private async IAsyncEnumerable<ReceivedEvent> PeekAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var browser = await bus.BrowseDeadLettersAsync(ProjectorSubscription.Topic, ProjectorSubscription.Name, cancellationToken);
        var from = 0L;
        var looked = 0;
        while (looked < MostLookedAt)
        {
            var page = await browser.PeekAsync(from, EventBrowser.MaxPage, BodyLimit, cancellationToken);
            if (page.Count == 0) yield break;
            foreach (var letter in page) yield return letter;
            looked += page.Count;
            from = (page[^1].SequenceNumber ?? long.MaxValue - 1) + 1;
        }
    }

    private static CloudEvent Again(ReceivedEvent letter) =>
        new(letter.Id, letter.Source, letter.Type, letter.Subject, letter.Time, letter.TraceParent, letter.GroupKey, letter.Data);

    private static DeadLetter Describe(ReceivedEvent letter) => new(
        letter.SequenceNumber ?? 0, letter.Id, letter.Type, letter.Subject, letter.EnqueuedTime, letter.DeadLetterReason ?? "", letter.DeadLetterDescription ?? "",
        letter.FormatError);
}
