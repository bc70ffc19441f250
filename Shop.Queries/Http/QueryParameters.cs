using System.Globalization;
using Shop.Contracts.Events;

namespace Shop.Queries.Http;

/// <summary>Reads parameters and collects what is wrong with them, so that a caller hears of every error at once.</summary>
internal sealed class QueryParameters(IQueryCollection query)
{
    public const int MaxIdLength = 64;
    public const int MaxSearchLength = 200;

    public Dictionary<string, string[]> Errors { get; } = [];

    public bool IsValid => Errors.Count == 0;

    public static bool IsId(string text) => text.Length is >= 1 and <= MaxIdLength && text.All(character =>
        char.IsAsciiLetterOrDigit(character) || character is '.' or '_' or ':' or '-');

    public int Limit(int ifAbsent, int max)
    {
        if (Single("limit") is not { } text) return ifAbsent;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit >= 1 && limit <= max) return limit;
        Errors["limit"] = [$"Give a whole number from 1 to {max}."];
        return ifAbsent;
    }

    /// <summary>What somebody is typing: empty at first.</summary>
    public string Search()
    {
        var text = Single("search") ?? "";
        if (text.Length > MaxSearchLength) Errors["search"] = [$"Give at most {MaxSearchLength} characters."];
        return text;
    }

    public string? Status()
    {
        if (Single("status") is not { } text) return null;
        if (text is OrderStatus.Pending or OrderStatus.Paid or OrderStatus.Shipped or OrderStatus.Cancelled) return text;
        Errors["status"] = ["Give Pending, Paid, Shipped or Cancelled."];
        return null;
    }

    /// <summary>An RFC 3339 instant with an offset, or a date, which means its first instant in UTC.</summary>
    public DateTimeOffset? Instant(string name)
    {
        if (Single(name) is not { } text) return null;
        string[] formats = ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"];
        var hasOffset = text.Length == 10 || text.EndsWith('Z') || text.Length > 6 && text[^6] is '+' or '-' or ' ';
        // A plus sign that was not escaped arrives as a space.
        if (hasOffset && DateTimeOffset.TryParseExact(
            text.Replace(' ', '+'), formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var instant))
            return instant;
        Errors[name] = ["Give a date such as 2023-10-27 or an instant with its offset such as 2023-10-27T10:00:00Z."];
        return null;
    }

    /// <summary>Since 1970; 0 when absent.</summary>
    public long Milliseconds(string name)
    {
        if (Single(name) is not { } text) return 0;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)) return milliseconds;
        Errors[name] = ["Give a whole number of milliseconds since 1970."];
        return 0;
    }

    public string? Single(string name)
    {
        var values = query[name];
        if (values.Count > 1) Errors[name] = ["Give it once."];
        return values.Count == 1 && values[0] is { Length: > 0 } value ? value : null;
    }

    public IEnumerable<string> All(string name) => query[name].Where(value => !string.IsNullOrEmpty(value)).Select(value => value!);
}
