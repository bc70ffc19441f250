using System.Collections.Concurrent;

namespace Shop.Local.Supervision;

/// <summary>
/// One thread, living as long as the process, that starts every child: Linux sends the parent-death signal when the <em>thread</em> that
/// forked ends, and a pool thread may end at any time.
/// </summary>
internal static class LaunchThread
{
    private static readonly BlockingCollection<Action> Work = Begin();

    public static Task RunAsync(Action action)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Work.Add(() =>
        {
            try
            {
                action();
                done.SetResult();
            }
            catch (Exception exception)
            {
                // Handed to the caller, who awaits this task.
                done.SetException(exception);
            }
        });
        return done.Task;
    }

    private static BlockingCollection<Action> Begin()
    {
        var work = new BlockingCollection<Action>(boundedCapacity: 64);
        new Thread(() =>
        {
            foreach (var action in work.GetConsumingEnumerable()) action();
        }) { IsBackground = true, Name = "child launcher" }.Start();
        return work;
    }
}
