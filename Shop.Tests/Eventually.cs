namespace Shop.Tests;

/// <summary>Waits for a condition with a deadline, instead of sleeping and hoping.</summary>
internal static class Eventually
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(25);

    /// <summary>Asks until the answer is yes.</summary>
    /// <exception cref="TimeoutException">The answer was no for <see cref="Deadline"/>, or the given time.</exception>
    public static Task TrueAsync(Func<Task<bool>> condition, string what, CancellationToken cancellationToken, TimeSpan? within = null) =>
        NotNullAsync(async () => await condition() ? "" : null, what, cancellationToken, within);

    /// <summary>Asks until there is an answer.</summary>
    /// <exception cref="TimeoutException">There was none for <see cref="Deadline"/>, or the given time.</exception>
    public static async Task<T> NotNullAsync<T>(Func<Task<T?>> find, string what, CancellationToken cancellationToken, TimeSpan? within = null)
        where T : class
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            if (await find() is { } found) return found;
            if (TimeProvider.System.GetElapsedTime(started) > (within ?? Deadline)) throw new TimeoutException($"Waited in vain: {what}.");
            await Task.Delay(Step, cancellationToken);
        }
    }
}
