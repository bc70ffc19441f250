using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Shop.Local.Mongo.Queries;

namespace Shop.Local.Mongo.Documents;

/// <summary>Where in an array a condition was met, for the positional operator <c>$</c>: the outermost array counts.</summary>
internal sealed class MatchPosition
{
    public int? Index { get; set; }

    public static bool Found(MatchPosition? position, int index)
    {
        if (position is not null) position.Index = index;
        return true;
    }
}

/// <summary>A dotted path, which runs through arrays: into the element that a number names and into every document of the array.</summary>
internal sealed class FieldPath
{
    public const int MaxParts = 100;
    private const int MaxKnown = 10_000;
    private static readonly ConcurrentDictionary<byte[], FieldPath> Known = new(ByteKeys.Instance);
    private readonly byte[][] names;

    public FieldPath(string text)
    {
        Text = text;
        Parts = text.Split('.');
        names = [.. Parts.Select(Encoding.UTF8.GetBytes)];
    }

    public string Text { get; }
    public string[] Parts { get; }

    /// <summary>The path of a name in a query. The same few come again and again.</summary>
    public static FieldPath Of(ReadOnlySpan<byte> name)
    {
        if (Known.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out var path)) return path;
        path = new FieldPath(Encoding.UTF8.GetString(name));
        if (Known.Count < MaxKnown) Known.TryAdd(name.ToArray(), path);
        return path;
    }

    public static bool IsArrayIndex(string part, out int index)
    {
        index = 0;
        return part.Length is > 0 and < 8 && (part[0] != '0' || part.Length == 1) && int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out index);
    }

    /// <summary>Whether the condition accepts one of the values at the path, which may be missing. With <paramref name="intoLeaf"/> an array is tried element by element, then whole.</summary>
    public bool Any(RawValue root, Condition condition, bool intoLeaf, MatchPosition? position) => Any(root, 0, condition, intoLeaf, position);

    /// <summary>Every value at the path as an index sees it: elements of a leaf array singly, missing as nothing at all, an empty array as undefined.</summary>
    /// <returns>Whether the path ran through or into an array.</returns>
    public bool Collect(RawValue root, List<RawValue> values) => Collect(root, 0, values);

    private bool Any(RawValue node, int depth, Condition condition, bool intoLeaf, MatchPosition? position)
    {
        if (depth == names.Length) return intoLeaf && AnyElement(node, depth, condition, intoLeaf, position) || condition.Accepts(node);
        if (node.IsDocument && node.Field(names[depth]) is { IsMissing: false } child) return Any(child, depth + 1, condition, intoLeaf, position);
        if (!node.IsArray) return condition.Accepts(default);
        return IsArrayIndex(Parts[depth], out var named) && node.At(named) is { IsMissing: false } chosen && Any(chosen, depth + 1, condition, intoLeaf, position)
            || AnyElement(node, depth, condition, intoLeaf, position);
    }

    /// <summary>At the end of the path the elements themselves, before it the documents among them.</summary>
    private bool AnyElement(RawValue node, int depth, Condition condition, bool intoLeaf, MatchPosition? position)
    {
        var index = 0;
        foreach (var (_, element) in node.IsArray ? node : default)
        {
            if (depth == names.Length ? condition.Accepts(element) : element.IsDocument && Any(element, depth, condition, intoLeaf, position))
                return MatchPosition.Found(position, index);
            index++;
        }
        return false;
    }

    private bool Collect(RawValue node, int depth, List<RawValue> values)
    {
        if (depth == names.Length)
        {
            if (!node.IsArray)
            {
                values.Add(node);
                return false;
            }
            var before = values.Count;
            foreach (var (_, element) in node) values.Add(element);
            if (values.Count == before) values.Add(RawValue.Undefined);
            return true;
        }
        if (node.IsDocument && node.Field(names[depth]) is { IsMissing: false } child) return Collect(child, depth + 1, values);
        if (!node.IsArray)
        {
            values.Add(RawValue.Null);
            return false;
        }
        if (IsArrayIndex(Parts[depth], out var named) && node.At(named) is { IsMissing: false } chosen) Collect(chosen, depth + 1, values);
        foreach (var (_, element) in node) if (element.IsDocument) Collect(element, depth, values);
        return true;
    }
}
