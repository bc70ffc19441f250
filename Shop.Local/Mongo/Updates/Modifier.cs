namespace Shop.Local.Mongo.Updates;

/// <summary>One path of one update operator.</summary>
internal sealed class Modifier
{
    private readonly string name;
    private readonly Func<BsonValue?, BsonValue?> change;

    private Modifier(string name, BsonElement element)
    {
        this.name = name;
        Path = element.Name;
        Parts = DocumentPath.Split(Path);
        if (Parts.Any(part => part.Length == 0))
            throw new MongoRefusal(56, "EmptyFieldName", $"The update path '{Path}' contains an empty field name, which is not allowed.");
        if (Parts.Length > DocumentPath.MaxParts) throw MongoRefusal.BadValue("an update path is too long");
        if (Parts[0][0] == '$' || Parts.Any(part => part[0] == '$' && part != "$" && !ArrayFilters.IsIdentifier(part)))
            throw new MongoRefusal(52, "DollarPrefixedFieldName", $"The dollar ($) prefixed field '{Path}' is not valid for storage.");
        change = ChangeOf(name, Path, element.Value);
    }

    public string Path { get; }
    public string[] Parts { get; }

    public static IEnumerable<Modifier> Parse(BsonElement element)
    {
        if (element.Value is not BsonDocument fields)
            throw MongoRefusal.FailedToParse($"Modifiers operate on fields but we found type {TypeOrder.Name(element.Value)} instead.");
        ChangeOf(element.Name, "", BsonNull.Value, true);
        return fields.Select(field => new Modifier(element.Name, field)).ToArray();
    }

    public void Apply(BsonDocument document, int? position, ArrayFilters filters, bool inserting)
    {
        if (name == "$setOnInsert" && !inserting) return;
        var parts = Parts;
        var positional = Array.IndexOf(parts, "$");
        if (positional >= 0)
        {
            parts = [.. parts];
            parts[positional] = position?.ToString(System.Globalization.CultureInfo.InvariantCulture)
                ?? throw MongoRefusal.BadValue("The positional operator did not find the match needed from the query.");
        }
        new PathEditor(parts, filters, name is not ("$unset" or "$pull")).Edit(document, change);
    }

    /// <summary>From the value that is there, null when missing, to the one that shall be, null for no change.</summary>
    private static Func<BsonValue?, BsonValue?> ChangeOf(string name, string path, BsonValue argument, bool nameOnly = false)
    {
        switch (name)
        {
            case "$set" or "$setOnInsert": return _ => Bson.Copy(argument);
            case "$unset": return value => value is null ? null : PathEditor.Removed;
            case "$inc" when nameOnly || TypeOrder.IsNumber(argument): return value => Increment(path, value, argument);
            case "$inc": throw MongoRefusal.TypeMismatch($"Cannot increment with non-numeric argument: {{{path}: {argument}}}");
            case "$min": return value => value is null || Values.Compare(argument, value) < 0 ? Bson.Copy(argument) : null;
            case "$max": return value => value is null || Values.Compare(argument, value) > 0 ? Bson.Copy(argument) : null;
            case "$push" or "$addToSet" or "$pull": return nameOnly ? _ => null : ArrayModifiers.Parse(name, path, argument);
            default: throw MongoRefusal.FailedToParse($"Unknown modifier: {name}. Expected a valid update modifier or pipeline-style update specified as an array");
        }
    }

    private static BsonValue Increment(string path, BsonValue? value, BsonValue argument)
    {
        if (value is null) return argument;
        if (!TypeOrder.IsNumber(value))
            throw MongoRefusal.TypeMismatch($"Cannot apply $inc to a value of non-numeric type. The field '{path}' is of type {TypeOrder.Name(value)}");
        var sum = Values.Add(value, argument);
        return sum is BsonDouble && value is not BsonDouble && argument is not BsonDouble
            ? throw MongoRefusal.BadValue($"Failed to apply $inc operations to current value ({value}) of '{path}': it does not fit 64 bits")
            : sum;
    }
}
