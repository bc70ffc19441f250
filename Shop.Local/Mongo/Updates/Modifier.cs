using MongoDB.Bson;
using Shop.Local.Mongo.Documents;

namespace Shop.Local.Mongo.Updates;

/// <summary>One path of one update operator.</summary>
internal sealed class Modifier
{
    private readonly string name;
    private readonly BsonValue argument;
    private readonly Func<BsonValue?, BsonValue?> change;

    private Modifier(string name, BsonElement element, DateTime now)
    {
        this.name = name;
        Path = element.Name;
        Parts = DocumentPath.Split(Path);
        argument = element.Value;
        if (Parts.Any(part => part.Length == 0))
            throw new MongoRefusal(56, "EmptyFieldName", $"The update path '{Path}' contains an empty field name, which is not allowed.");
        if (Parts.Length > DocumentPath.MaxParts)
            throw MongoRefusal.BadValue("an update path is too long");
        if (Parts[0][0] == '$' || Parts.Any(part => part[0] == '$' && part != "$" && !ArrayFilters.IsIdentifier(part)))
            throw new MongoRefusal(52, "DollarPrefixedFieldName", $"The dollar ($) prefixed field '{Path}' is not valid for storage.");
        change = ChangeOf(name, Path, argument, now);
    }

    public string Path { get; }
    public string[] Parts { get; }

    /// <summary>The paths that no other modifier may touch.</summary>
    public IEnumerable<string> Targets => name == "$rename" ? [Path, argument.AsString] : [Path];

    public static IEnumerable<Modifier> Parse(BsonElement element, DateTime now)
    {
        if (element.Value is not BsonDocument fields)
            throw MongoRefusal.FailedToParse($"Modifiers operate on fields but we found type {TypeOrder.Name(element.Value)} instead.");
        ChangeOf(element.Name, "", BsonNull.Value, now, true);
        return fields.Select(field => new Modifier(element.Name, field, now)).ToArray();
    }

    public void Apply(BsonDocument document, int? position, ArrayFilters filters, bool inserting)
    {
        if (name == "$setOnInsert" && !inserting)
            return;
        var parts = Parts;
        var positional = Array.IndexOf(parts, "$");
        if (positional >= 0)
        {
            parts = [.. parts];
            parts[positional] = position?.ToString(System.Globalization.CultureInfo.InvariantCulture)
                ?? throw MongoRefusal.BadValue("The positional operator did not find the match needed from the query.");
        }
        if (name == "$rename")
            Rename(document, parts, filters);
        else
            new PathEditor(parts, filters, name is not ("$unset" or "$pull" or "$pullAll" or "$pop")).Edit(document, change);
    }

    private void Rename(BsonDocument document, string[] parts, ArrayFilters filters)
    {
        BsonValue? moved = null;
        new PathEditor(parts, filters, false) { RefusesArrays = true }.Edit(document, value =>
        {
            moved = value;
            return value is null ? null : PathEditor.Removed;
        });
        if (moved is not null)
            new PathEditor(DocumentPath.Split(argument.AsString), filters, true) { RefusesArrays = true }.Edit(document, _ => moved);
    }

    /// <summary>From the value that is there, null when missing, to the one that shall be, null for no change.</summary>
    private static Func<BsonValue?, BsonValue?> ChangeOf(string name, string path, BsonValue argument, DateTime now, bool nameOnly = false)
    {
        switch (name)
        {
            case "$set" or "$setOnInsert": return _ => Bson.Copy(argument);
            case "$unset": return value => value is null ? null : PathEditor.Removed;
            case "$inc" or "$mul" when nameOnly || TypeOrder.IsNumber(argument): return value => Calculate(name, path, value, argument);
            case "$inc" or "$mul": throw MongoRefusal.TypeMismatch($"Cannot {(name == "$inc" ? "increment" : "multiply")} with non-numeric argument: {{{path}: {argument}}}");
            case "$min": return value => value is null || Values.Compare(argument, value) < 0 ? Bson.Copy(argument) : null;
            case "$max": return value => value is null || Values.Compare(argument, value) > 0 ? Bson.Copy(argument) : null;
            case "$currentDate": return _ => CurrentDate(argument, now);
            case "$rename" when nameOnly || argument is BsonString { Value.Length: > 0 } target && !target.Value.Contains('$', StringComparison.Ordinal): return _ => null;
            case "$rename": throw MongoRefusal.BadValue($"The 'to' field for $rename must be a path: {path}: {argument}");
            case "$push" or "$addToSet" or "$pull" or "$pullAll" or "$pop": return nameOnly ? _ => null : ArrayModifiers.Parse(name, path, argument);
            default: throw MongoRefusal.FailedToParse($"Unknown modifier: {name}. Expected a valid update modifier or pipeline-style update specified as an array");
        }
    }

    private static BsonValue Calculate(string name, string path, BsonValue? value, BsonValue argument)
    {
        if (value is null)
            return name == "$inc" ? argument : Values.Multiply(argument, 0);
        if (!TypeOrder.IsNumber(value))
            throw MongoRefusal.TypeMismatch($"Cannot apply {name} to a value of non-numeric type. The field '{path}' is of type {TypeOrder.Name(value)}");
        var result = name == "$inc" ? Values.Add(value, argument) : Values.Multiply(value, argument);
        return result is BsonDouble && value is not BsonDouble && argument is not BsonDouble
            ? throw MongoRefusal.BadValue($"Failed to apply {name} operations to current value ({value}) of '{path}': it does not fit 64 bits")
            : result;
    }

    private static BsonValue CurrentDate(BsonValue argument, DateTime now) => argument switch
    {
        BsonBoolean => new BsonDateTime(now),
        BsonDocument { ElementCount: 1 } document when document.TryGetValue("$type", out var type) && type == "date" => new BsonDateTime(now),
        BsonDocument { ElementCount: 1 } document when document.TryGetValue("$type", out var type) && type == "timestamp" => new BsonTimestamp((int)new DateTimeOffset(now).ToUnixTimeSeconds(), 1),
        _ => throw MongoRefusal.BadValue("$currentDate takes true or {$type: 'date' | 'timestamp'}")
    };
}
