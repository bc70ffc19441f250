using System.Text.Json.Serialization;

namespace Shop.Contracts.Commands;

/// <summary>The answer to a command that was done: the aggregate and the version it has reached.</summary>
public sealed record CommandResult(string Id, int Version);

/// <summary>
/// One line of the answer to <c>POST /commands/batch</c> and <c>POST /import</c>, in the order of the request's lines.
/// </summary>
/// <param name="Line">The request's line, counted from 1; empty lines count but get no answer.</param>
/// <param name="Status">The HTTP status that <c>POST /commands</c> would have answered.</param>
/// <param name="Id">The aggregate, when the command was done.</param>
/// <param name="Version">The version it has reached, when the command was done.</param>
/// <param name="Replayed">True when this is the first answer again.</param>
/// <param name="Problem">RFC 9457 problem details, when the command was refused.</param>
public sealed record BatchLineResult(
    long Line,
    int Status,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Id = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Version = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Replayed = false,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ProblemBody? Problem = null);

/// <summary>RFC 9457 problem details as they travel inside a batch answer.</summary>
public sealed record ProblemBody(
    string Type,
    string Title,
    int Status,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Detail = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, string[]>? Errors = null);
