using System.Globalization;

namespace Shop.Local.Mongo.Documents;

/// <summary>Where in an array a condition was met, for the positional operator <c>$</c>: the outermost array counts.</summary>
internal sealed class MatchPosition
{
    public int? Index { get; set; }
}

/// <summary>Dotted paths, which run through arrays: into the element that a number names and into every document of the array.</summary>
internal static class DocumentPath
{
    public const int MaxParts = 100;
    public static string[] Split(string path) => path.Contains('.', StringComparison.Ordinal) ? path.Split('.') : [path];

    public static bool IsArrayIndex(string part, out int index)
    {
        index = 0;
        return part.Length is > 0 and < 8 && (part[0] != '0' || part.Length == 1) && int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out index);
    }

    /// <summary>Whether the test accepts one of the values at a path; null stands for missing. A leaf array is tried element by element, then whole.</summary>
    public static bool Any(BsonValue node, ReadOnlySpan<string> path, bool expandLeaf, MatchPosition? position, Func<BsonValue?, bool> test)
    {
        if (path.IsEmpty) return expandLeaf && node is BsonArray leaf && AnyElement(leaf, position, test) || test(node);
        switch (node)
        {
            case BsonDocument document:
                return document.TryGetValue(path[0], out var child) ? Any(child, path[1..], expandLeaf, position, test) : test(null);
            case BsonArray array:
                if (IsArrayIndex(path[0], out var named) && named < array.Count && Any(array[named], path[1..], expandLeaf, position, test))
                    return true;
                var index = 0;
                foreach (var element in array)
                {
                    if (element is BsonDocument && Any(element, path, expandLeaf, position, test)) return Found(position, index);
                    index++;
                }
                return false;
            default:
                return test(null);
        }
    }

    /// <summary>Every value at a path as an index sees it: elements of a leaf array singly, missing as null, an empty array as undefined.</summary>
    public static void Collect(BsonValue node, ReadOnlySpan<string> path, List<BsonValue> values, ref bool multikey)
    {
        if (path.IsEmpty)
        {
            if (node is not BsonArray leaf)
            {
                values.Add(node);
                return;
            }
            multikey = true;
            var before = values.Count;
            values.AddRange(leaf);
            if (values.Count == before) values.Add(BsonUndefined.Value);
            return;
        }
        if (node is BsonDocument document && document.TryGetValue(path[0], out var child))
            Collect(child, path[1..], values, ref multikey);
        else if (node is BsonArray array)
        {
            multikey = true;
            if (IsArrayIndex(path[0], out var named) && named < array.Count) Collect(array[named], path[1..], values, ref multikey);
            foreach (var element in array) if (element is BsonDocument) Collect(element, path, values, ref multikey);
        }
        else values.Add(BsonNull.Value);
    }

    private static bool AnyElement(BsonArray array, MatchPosition? position, Func<BsonValue?, bool> test)
    {
        var index = 0;
        foreach (var element in array)
        {
            if (test(element)) return Found(position, index);
            index++;
        }
        return false;
    }

    private static bool Found(MatchPosition? position, int index)
    {
        if (position is not null) position.Index = index;
        return true;
    }
}
