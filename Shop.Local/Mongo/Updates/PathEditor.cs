namespace Shop.Local.Mongo.Updates;

/// <summary>Walks an update path, <c>$[]</c> and <c>$[identifier]</c> included, and changes what it leads to.</summary>
internal sealed class PathEditor(string[] parts, ArrayFilters filters, bool creates)
{
    /// <summary>MongoDB's limit of nulls put before an element that is set beyond an array's end.</summary>
    private const int MaxBackfill = 1_500_000;
    /// <summary>What a change returns to take the field away.</summary>
    public static readonly BsonValue Removed = new BsonString("removed");
    public void Edit(BsonDocument document, Func<BsonValue?, BsonValue?> change) => Edit(document, 0, change);

    private void Edit(BsonValue node, int depth, Func<BsonValue?, BsonValue?> change)
    {
        switch (node)
        {
            case BsonArray array when ArrayFilters.IsIdentifier(parts[depth]): EditSelected(array, depth, change); break;
            case BsonArray array: EditElement(array, depth, change); break;
            case BsonDocument when ArrayFilters.IsIdentifier(parts[depth]):
                throw MongoRefusal.BadValue($"Cannot apply array updates to non-array element at '{string.Join('.', parts[..depth])}'");
            case BsonDocument document: EditField(document, depth, change); break;
            default:
                if (creates)
                    throw MongoRefusal.PathNotViable($"Cannot create field '{parts[depth]}' in element {{{parts[Math.Max(depth - 1, 0)]}: {node}}}");
                break;
        }
    }

    private void EditField(BsonDocument document, int depth, Func<BsonValue?, BsonValue?> change)
    {
        var part = parts[depth];
        document.TryGetValue(part, out var value);
        if (depth == parts.Length - 1)
        {
            var changed = change(value);
            if (ReferenceEquals(changed, Removed))
                document.Remove(part);
            else if (changed is not null) document[part] = changed;
            return;
        }
        if (value is null)
        {
            if (!creates) return;
            if (ArrayFilters.IsIdentifier(parts[depth + 1]))
                throw MongoRefusal.BadValue($"The path '{string.Join('.', parts[..(depth + 1)])}' must exist in the document in order to apply array updates.");
            document[part] = value = new BsonDocument();
        }
        Edit(value, depth + 1, change);
    }

    private void EditSelected(BsonArray array, int depth, Func<BsonValue?, BsonValue?> change)
    {
        var identifier = parts[depth][2..^1];
        for (var i = 0; i < array.Count; i++)
            if (identifier.Length == 0 || filters.Accepts(identifier, array[i], string.Join('.', parts))) EditAt(array, i, depth, change);
    }

    private void EditElement(BsonArray array, int depth, Func<BsonValue?, BsonValue?> change)
    {
        if (!FieldPath.IsArrayIndex(parts[depth], out var index))
        {
            if (creates)
                throw MongoRefusal.PathNotViable($"Cannot create field '{parts[depth]}' in element {{{parts[Math.Max(depth - 1, 0)]}: {array}}}");
            return;
        }
        if (index >= array.Count)
        {
            if (!creates) return;
            if (index - array.Count > MaxBackfill) throw MongoRefusal.BadValue($"can't backfill more than {MaxBackfill} elements");
            while (array.Count < index) array.Add(BsonNull.Value);
            var last = depth == parts.Length - 1;
            array.Add(last ? change(null) ?? BsonNull.Value : new BsonDocument());
            if (!last) Edit(array[index], depth + 1, change);
            return;
        }
        EditAt(array, index, depth, change);
    }

    private void EditAt(BsonArray array, int index, int depth, Func<BsonValue?, BsonValue?> change)
    {
        if (depth < parts.Length - 1)
        {
            Edit(array[index], depth + 1, change);
            return;
        }
        var changed = change(array[index]);
        // An element cannot go missing without moving the others, so it becomes null.
        if (changed is not null) array[index] = ReferenceEquals(changed, Removed) ? BsonNull.Value : changed;
    }
}
