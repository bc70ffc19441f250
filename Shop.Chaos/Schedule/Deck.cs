namespace Shop.Chaos.Schedule;

/// <summary>
/// Cards that are drawn without being put back, then shuffled and drawn anew: chance decides the order, and everything has its turn before
/// anything has a second one, so that a short run is no game of luck.
/// </summary>
internal sealed class Deck<T>(Random random, IReadOnlyList<T> cards)
{
    private readonly List<T> left = [];

    /// <summary>The next card that fits; the ones before it keep their places. False when none does.</summary>
    public bool TryDraw(Predicate<T> fits, out T card)
    {
        if (!left.Exists(fits)) left.AddRange(cards.OrderBy(_ => random.Next()).Take(left.Count > cards.Count ? 0 : cards.Count));
        var index = left.FindIndex(fits);
        card = index < 0 ? default! : left[index];
        if (index >= 0) left.RemoveAt(index);
        return index >= 0;
    }

    public T Draw() => TryDraw(_ => true, out var card) ? card : throw new InvalidOperationException("A deck without cards.");
}
