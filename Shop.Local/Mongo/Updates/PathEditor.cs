namespace Shop.Local.Mongo.Updates;

/// <summary>Walks an update path, <c>$[]</c> and <c>$[identifier]</c> included, and changes what it leads to.</summary>
/// <remarks>The change takes the value that is there, null when missing, and gives the one that shall be, null for no change.</remarks>
internal sealed class PathEditor(string[] parts, ArrayFilters filters, bool creates, Func<BsonValue?, BsonValue?> change)
{
    /// <summary>MongoDB's limit of nulls put before an element that is set beyond an array's end.</summary>
    private const int MaxBackfill = 1_500_000;

    /// <summary>What a change returns to take the field away.</summary>
    public static readonly BsonValue Removed = new BsonString("removed");

    public void Edit(BsonDocument document) => Edit(document, 0);

    /// <summary>What shall stand in the place of a value, or null when that stays where it is.</summary>
    private BsonValue? Edit(BsonValue? node, int depth)
    {
        if (depth == parts.Length) return change(node);
        var part = parts[depth];
        switch (node)
        {
            case null when creates:
                if (ArrayFilters.IsIdentifier(part))
                    throw MongoRefusal.BadValue($"The path '{string.Join('.', parts[..depth])}' must exist in the document in order to apply array updates.");
                var created = new BsonDocument();
                Edit(created, depth);
                return created;
            case BsonArray array when ArrayFilters.IsIdentifier(part): EditSelected(array, part[2..^1], depth); break;
            case BsonArray array when FieldPath.IsArrayIndex(part, out var index): EditElement(array, index, depth); break;
            case BsonDocument when ArrayFilters.IsIdentifier(part):
                throw MongoRefusal.BadValue($"Cannot apply array updates to non-array element at '{string.Join('.', parts[..depth])}'");
            case BsonDocument document: EditField(document, part, depth); break;
            case not null when creates:
                throw MongoRefusal.PathNotViable($"Cannot create field '{part}' in element {{{parts[Math.Max(depth - 1, 0)]}: {node}}}");
        }
        return null;
    }

    private void EditField(BsonDocument document, string part, int depth)
    {
        var changed = Edit(document.GetValue(part, null), depth + 1);
        if (ReferenceEquals(changed, Removed))
            document.Remove(part);
        else if (changed is not null) document[part] = changed;
    }

    private void EditSelected(BsonArray array, string identifier, int depth)
    {
        for (var i = 0; i < array.Count; i++)
            if (identifier.Length == 0 || filters.Accepts(identifier, array[i], string.Join('.', parts))) EditElement(array, i, depth);
    }

    private void EditElement(BsonArray array, int index, int depth)
    {
        if (index >= array.Count && !creates) return;
        if (index - array.Count > MaxBackfill) throw MongoRefusal.BadValue($"can't backfill more than {MaxBackfill} elements");
        var isNew = index >= array.Count;
        while (array.Count <= index) array.Add(BsonNull.Value);
        // An element cannot go missing without moving the others, so it becomes null.
        if (Edit(isNew ? null : array[index], depth + 1) is { } changed) array[index] = ReferenceEquals(changed, Removed) ? BsonNull.Value : changed;
    }
}
