using Shop.Chaos.Schedule;

namespace Shop.Chaos.Faults;

/// <summary>The local broker's own misbehaviour, by the control file that it reads again when it changes.</summary>
internal sealed class BrokerBehaviour
{
    private readonly string path;

    public BrokerBehaviour(string path)
    {
        this.path = path;
        End();
    }

    public IReadOnlyList<string> BrokerArguments => ["--faults", path];

    public void Begin(Fault fault) => Write(fault.Kind switch
    {
        FaultKind.Duplicate => $$"""{ "duplicate": 0.4, "seed": {{fault.Number}} }""",
        FaultKind.Delay => $$"""{ "delayMs": [50, 1500], "seed": {{fault.Number}} }""",
        FaultKind.Reorder => $$"""{ "reorder": 0.5, "delayMs": [0, 400], "seed": {{fault.Number}} }""",
        FaultKind.Withhold => $$"""{ "withholdAck": 0.2, "seed": {{fault.Number}} }""",
        _ => throw new NotSupportedException($"{fault.Kind} is nothing that a broker does."),
    });

    public void End() => Write("{}");

    private void Write(string settings)
    {
        File.WriteAllText(path + ".new", settings);
        File.Move(path + ".new", path, overwrite: true);
    }
}
