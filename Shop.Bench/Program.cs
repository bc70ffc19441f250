using Shop.Bench;
using Shop.Bench.Read;
using Shop.Bench.Write;

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stop.Cancel();
};
if (args is [ReferenceEndpoint.Verb, .. var rest])
{
    await ReferenceEndpoint.RunAsync(rest, stop.Token);
    return 0;
}

if (args is [ReferenceQueries.Verb, .. var forQueries])
{
    await ReferenceQueries.RunAsync(forQueries, stop.Token);
    return 0;
}

return await BenchCommandLine.RunAsync(args, stop.Token);
