using System.Globalization;
using System.Text;
using MongoDB.Bson;

namespace Shop.ServiceDefaults.Data;

/// <summary>
/// Search as you type, as one stretch of an index: a document lists the folded text from each word of its name on, and its identifier;
/// whatever has been typed so far is the beginning of one of them. Folding drops case, accents of the Latin alphabet and punctuation.
/// </summary>
public static class SearchKeys
{
    public const string IndexName = "search";

    /// <summary>Of a name with more words, those behind find nothing.</summary>
    public const int MostWords = 12;

    /// <summary>Longer keys and questions are cut: by then hardly anything else begins alike.</summary>
    public const int MaxLength = 48;

    // MongoDB compares strings by their UTF-8 bytes; nothing is behind the last code point.
    private const string Behind = "\U0010FFFF";

    // U+00C0 to U+017F without their accents; a dot where there is no such letter. The runtime has no Unicode tables in invariant mode.
    private const string Latin =
        "aaaaaaaceeeeiiiidnooooo.ouuuuytsaaaaaaaceeeeiiiidnooooo.ouuuuyty" +
        "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkkllllllllllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

    public static IReadOnlyList<string> Of(string id, string name)
    {
        var folded = Fold(name);
        List<string> keys = [];
        for (var start = 0; start < folded.Length && keys.Count < MostWords;)
        {
            keys.Add(Cut(folded[start..]));
            var space = folded.IndexOf(' ', start);
            start = space < 0 ? folded.Length : space + 1;
        }

        keys.Add(Cut(Fold(id)));
        return [.. keys.Distinct(StringComparer.Ordinal)];
    }

    /// <summary>The filter for what was typed; null when nothing is left of it.</summary>
    public static BsonDocument? Beginning(string typed)
    {
        var from = Cut(Fold(typed));
        if (from.Length == 0) return null;
        // One element meets both bounds: said so, they narrow an index over arrays from both sides.
        return new("search", new BsonDocument("$elemMatch", new BsonDocument { { "$gte", from }, { "$lt", from + Behind } }));
    }

    public static string Fold(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var folded = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            var plain = rune.Value is >= 'À' and < 'À' + 192 && Latin[rune.Value - 'À'] is var letter and not '.' ? new Rune(letter) : Rune.ToLowerInvariant(rune);
            if (Rune.IsLetterOrDigit(plain)) folded.Append(plain);
            else if (!IsPartOfWord(rune) && folded.Length > 0 && folded[^1] != ' ') folded.Append(' ');
        }

        return folded.ToString().TrimEnd();
    }

    /// <summary>An accent that is a character of its own, and the apostrophe of a name.</summary>
    private static bool IsPartOfWord(Rune rune) => rune.Value is '\'' or '’' || Rune.GetUnicodeCategory(rune) == UnicodeCategory.NonSpacingMark;

    private static string Cut(string key)
    {
        if (key.Length <= MaxLength) return key;
        // Half a character cannot be stored.
        return key[..(char.IsHighSurrogate(key[MaxLength - 1]) ? MaxLength - 1 : MaxLength)].TrimEnd();
    }
}
