using System.Text.Json;
using Shop.Chaos.Checks;
using Shop.Chaos.Clients;
using Shop.Chaos.History;
using Shop.Chaos.Schedule;
using Shop.Contracts.Commands;

namespace Shop.Chaos.Stage;

/// <summary>
/// Watches a shop come back: every process up and well, and orders placed through either instance visible through either instance as fast as
/// before the faults, several times in a row.
/// </summary>
internal sealed class ComebackWatch(ChaosShop shop, Journal journal, Population population, TimeProvider time)
{
    private const int InARow = 6, Baseline = 8;

    /// <summary>A machine that is busy with other things is slower before the faults too: normal is what it was then, with room to breathe.</summary>
    private const double LeastNormal = 1.0, Room = 3;

    private static readonly TimeSpan patience = TimeSpan.FromSeconds(150);
    private static readonly TimeSpan step = TimeSpan.FromMilliseconds(200);
    private int probes;
    private double normal = LeastNormal;

    /// <summary>From a command sent to its effect read, in seconds, that counts as normal in this run.</summary>
    public double Normal => normal;

    /// <summary>Before the first fault, with the clients at work.</summary>
    public async Task MeasureNormalAsync(CancellationToken cancellationToken)
    {
        var slowest = 0.0;
        for (var probe = 0; probe < Baseline; probe++)
        {
            var began = journal.Now;
            await ProbeAsync(probes++);
            // The first ones warm up.
            if (probe >= Baseline / 2) slowest = Math.Max(slowest, journal.Now - began);
            await Task.Delay(step, time, cancellationToken);
        }

        normal = Math.Max(LeastNormal, Room * slowest);
    }

    public async Task<Comeback> WaitAsync(double lastFaultEnded, CancellationToken cancellationToken)
    {
        var missing = "nothing";
        var since = 0.0;
        for (var inARow = 0; journal.Now - lastFaultEnded < patience.TotalSeconds;)
        {
            var began = journal.Now;
            if (await WhatIsMissingAsync(cancellationToken) is { } found)
            {
                (missing, inARow) = (found, 0);
            }
            else
            {
                // Well since the first of them.
                if (inARow++ == 0) since = began;
                if (inARow == InARow) return new(Math.Max(0, since - lastFaultEnded), missing);
            }

            await Task.Delay(step, time, cancellationToken);
        }

        return new(null, missing);
    }

    private async Task<string?> WhatIsMissingAsync(CancellationToken cancellationToken)
    {
        foreach (var part in shop.Parts)
            if (!await part.IsUpAsync(cancellationToken)) return $"{part.Name} is not up";
        foreach (var service in Topology.Services)
        {
            if (await shop.HealthAsync(service, cancellationToken) is not { } body) return $"{service} is not healthy";
            if (WhatIsWrong(body) is { } wrong) return $"{service} says {wrong}";
        }

        return await ProbeAsync(probes++);
    }

    private async Task<string?> ProbeAsync(int number)
    {
        var (to, from) = (Topology.Commands[number % 2], Topology.Queries[number / 2 % 2]);
        var id = FormattableString.Invariant($"probe-{number}");
        var instant = population.Catalogue.Marks.NextInstant();
        var command = new PlaceOrder(id, Catalogue.SharedCustomer(0), Catalogue.Lines(new Random(number))) { Timestamp = instant };
        var intent = new Intent($"place {id}", command, $"order/{id}", Marks.Of(instant));
        var placed = await population.Client.SendAsync(Population.Harness, intent, null, to, shop.ClientUrl(to), TimeSpan.FromSeconds(3));
        if (placed.Answer != Answer.Done) return $"{to} does not take orders: {placed.Detail}";
        var read = await population.Client.ReadAsync(Population.Harness, ReadKind.Order, intent.Subject, [new Seen(intent.Subject, 1)], from, shop.ClientUrl(from), $"/orders/{id}", TimeSpan.FromSeconds(4));
        if (read.Status != 200) return $"an order placed at {to} was not visible at {from} after {read.End - placed.End:0.0} s";
        return read.End - placed.Start > normal ? FormattableString.Invariant($"an order took {read.End - placed.Start:0.0} s from {to} to {from}") : null;
    }

    /// <summary>What is degraded, dead letters aside: poison stays there until somebody looks at it.</summary>
    private static string? WhatIsWrong(string health)
    {
        using var report = JsonDocument.Parse(health);
        if (report.RootElement.GetProperty("status").GetString() == "Healthy" || !report.RootElement.TryGetProperty("checks", out var checks)) return null;
        var wrong = checks.EnumerateObject().Where(check => check.Name != "dead-letters" && check.Value.GetProperty("status").GetString() != "Healthy").Select(check => $"{check.Name}: {check.Value}").ToList();
        return wrong.Count == 0 ? null : string.Join(", ", wrong);
    }
}
