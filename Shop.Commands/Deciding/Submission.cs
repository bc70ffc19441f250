using Shop.Contracts.Commands;

namespace Shop.Commands.Deciding;

/// <summary>A well-formed command on its way to its shard, and the caller waiting for its outcome.</summary>
internal sealed class Submission(Command command, int? ifMatch, bool trusted, string? traceParent)
{
    private readonly TaskCompletionSource<Outcome> outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Command Command { get; } = command;

    /// <summary>The version that the caller believes to be the current one.</summary>
    public int? IfMatch { get; } = ifMatch;

    /// <summary>True for imports, which bring their own prices; public routes never trust one.</summary>
    public bool Trusted { get; } = trusted;

    public string? TraceParent { get; } = traceParent;

    public AggregateId Target { get; } = AggregateId.TargetOf(command);

    /// <summary>The target's shard, in whose log its events stand; known when the command is routed.</summary>
    public int Shard { get; set; }

    /// <summary>SHA-256 over the command's content, by which a retry is told from a different command.</summary>
    public byte[] Hash { get; } = CommandHash.Of(command);

    public Task<Outcome> Outcome => outcome.Task;

    public void Answer(Outcome result) => outcome.TrySetResult(result);
}
