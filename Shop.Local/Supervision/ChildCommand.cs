namespace Shop.Local.Supervision;

/// <summary>How a part is started.</summary>
/// <param name="FileName">The executable.</param>
/// <param name="Arguments">Its arguments, unquoted.</param>
/// <param name="Environment">What it gets besides the little that every process needs (PATH, HOME, locale, temporary directory).</param>
/// <param name="WorkingDirectory">A directory that the part's user can enter.</param>
/// <param name="LogFile">Where its output goes.</param>
/// <param name="StopSignal">What asks it to stop gracefully; also sent by the kernel when the runner dies (Linux).</param>
/// <param name="User">The user to run as when the runner is root; null: the runner's own.</param>
/// <param name="ReadyLine">A part of the line that says it is ready; null: none does.</param>
public sealed record ChildCommand(
    string FileName,
    IReadOnlyList<string> Arguments,
    IReadOnlyDictionary<string, string> Environment,
    string WorkingDirectory,
    string LogFile,
    Signal StopSignal,
    string? User = null,
    string? ReadyLine = null);
