using System.Text.Json.Serialization;
using Shop.Contracts.Views;

namespace Shop.Chaos.History;

internal enum Answer
{
    /// <summary>Acknowledged: the effect is promised.</summary>
    Done,

    /// <summary>Refused, or said not to have happened.</summary>
    Refused,

    /// <summary>No answer, or one that says "perhaps".</summary>
    Unknown,
}

/// <summary>One attempt of a command. Times are seconds since the beginning of the run.</summary>
/// <param name="Seq">The record's number in the history.</param>
/// <param name="Client">Who sent it.</param>
/// <param name="Key">The same for all attempts of one command, whoever sends them.</param>
/// <param name="Type">The command's type.</param>
/// <param name="Subject">Its target as events name it: <c>order/…</c>, <c>customer/…</c>, <c>product/…</c>.</param>
/// <param name="Mark">What only this command writes, and what is found again in the event it causes.</param>
/// <param name="CommandId">As sent; null for a creating command that is recognised by its content.</param>
/// <param name="IfMatch">As sent.</param>
/// <param name="To">The instance it was sent to.</param>
/// <param name="Start">Before the first byte was sent.</param>
/// <param name="End">After the answer was read, or given up.</param>
/// <param name="Answer">What became of it, as far as the client knows.</param>
/// <param name="Status">The HTTP status; null without an answer.</param>
/// <param name="Version">Of the answer, when done.</param>
/// <param name="Replayed">The first answer again.</param>
/// <param name="Detail">The problem's words, or why there was no answer.</param>
internal sealed record CommandAttempt(
    long Seq, int Client, string Key, string Type, string Subject, string Mark, string? CommandId, int? IfMatch, string To,
    double Start, double End, Answer Answer, int? Status, int? Version, bool Replayed, string? Detail);

/// <summary>A version that a client has seen and says so.</summary>
internal sealed record Seen(string Subject, int Version);

/// <summary>What a read was about.</summary>
internal static class ReadKind
{
    public const string Order = "order", History = "history", Summary = "summary", BestSellers = "best-sellers";
}

/// <summary>One read. Times are seconds since the beginning of the run.</summary>
/// <param name="Seq">The record's number in the history.</param>
/// <param name="Client">Whose session.</param>
/// <param name="Kind">One of <see cref="ReadKind"/>.</param>
/// <param name="Subject">The order or customer asked for.</param>
/// <param name="Seen">What the client said to have seen.</param>
/// <param name="To">The instance asked.</param>
/// <param name="Start">Before the first byte was sent.</param>
/// <param name="End">After the answer was read, or given up.</param>
/// <param name="Status">The HTTP status; null without an answer.</param>
/// <param name="Orders">The order documents of the answer.</param>
/// <param name="IsComplete">A history page that has no next one.</param>
/// <param name="Summary">The customer's summary.</param>
/// <param name="BestSellers">The best sellers.</param>
internal sealed record Read(
    long Seq, int Client, string Kind, string Subject, IReadOnlyList<Seen> Seen, string To, double Start, double End, int? Status,
    IReadOnlyList<OrderDocument>? Orders = null, bool IsComplete = false, CustomerSummary? Summary = null, BestSellers? BestSellers = null);

/// <summary>A fault that was injected; its note says what came of it, as far as that can be seen.</summary>
internal sealed record InjectedFault(long Seq, int Number, string Kind, string Target, string Detail, double Start, double End, string? Note)
{
    private const string DidNothing = "nothing: ", WasSkipped = "skipped: ";

    /// <summary>It could not be injected here.</summary>
    [JsonIgnore]
    public bool IsSkipped => Note?.StartsWith(WasSkipped, StringComparison.Ordinal) == true;

    /// <summary>It was injected, or skipped, without any effect.</summary>
    [JsonIgnore]
    public bool IsWithoutEffect => IsSkipped || Note?.StartsWith(DidNothing, StringComparison.Ordinal) == true;

    public static string Nothing(string why) => DidNothing + why;

    public static string Skipped(string why) => WasSkipped + why;
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true)]
[JsonSerializable(typeof(CommandAttempt))]
[JsonSerializable(typeof(Read))]
[JsonSerializable(typeof(InjectedFault))]
[JsonSerializable(typeof(OrderDocument))]
[JsonSerializable(typeof(OrderPage))]
[JsonSerializable(typeof(CustomerSummary))]
[JsonSerializable(typeof(BestSellers))]
internal sealed partial class HistoryJson : JsonSerializerContext;
