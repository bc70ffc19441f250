namespace Shop.Local.Mongo.Updates;

/// <summary>One path of one update operator.</summary>
internal sealed class Modifier
{
    private static readonly HashSet<string> Known = ["$set", "$setOnInsert", "$unset", "$inc", "$min", "$max", "$push", "$addToSet", "$pull"];
    private readonly string name;
    private readonly Func<BsonValue?, BsonValue?> change;

    private Modifier(string name, BsonElement element)
    {
        this.name = name;
        Path = new FieldPath(element.Name);
        var parts = Path.Parts;
        if (parts.Any(part => part.Length == 0))
            throw new MongoRefusal(56, "EmptyFieldName", $"The update path '{Path.Text}' contains an empty field name, which is not allowed.");
        if (parts.Length > FieldPath.MaxParts) throw MongoRefusal.BadValue("an update path is too long");
        if (parts[0][0] == '$' || parts.Any(part => part[0] == '$' && part != "$" && !ArrayFilters.IsIdentifier(part)))
            throw new MongoRefusal(52, "DollarPrefixedFieldName", $"The dollar ($) prefixed field '{Path.Text}' is not valid for storage.");
        change = ChangeOf(name, Path.Text, element.Value);
    }

    public FieldPath Path { get; }

    public static IEnumerable<Modifier> Parse(BsonElement element)
    {
        if (element.Value is not BsonDocument fields)
            throw MongoRefusal.FailedToParse($"Modifiers operate on fields but we found type {TypeOrder.Name(element.Value)} instead.");
        if (!Known.Contains(element.Name))
            throw MongoRefusal.FailedToParse($"Unknown modifier: {element.Name}. Expected a valid update modifier or pipeline-style update specified as an array");
        return fields.Select(field => new Modifier(element.Name, field)).ToArray();
    }

    public void Apply(BsonDocument document, int? position, ArrayFilters filters, bool inserting)
    {
        if (name == "$setOnInsert" && !inserting) return;
        var parts = Path.Parts;
        var positional = Array.IndexOf(parts, "$");
        if (positional >= 0)
        {
            parts = [.. parts];
            parts[positional] = position?.ToString(System.Globalization.CultureInfo.InvariantCulture)
                ?? throw MongoRefusal.BadValue("The positional operator did not find the match needed from the query.");
        }
        new PathEditor(parts, filters, name is not ("$unset" or "$pull"), change).Edit(document);
    }

    /// <summary>From the value that is there, null when missing, to the one that shall be, null for no change.</summary>
    private static Func<BsonValue?, BsonValue?> ChangeOf(string name, string path, BsonValue argument) => name switch
    {
        "$set" or "$setOnInsert" => _ => argument,
        "$unset" => value => value is null ? null : PathEditor.Removed,
        "$inc" when !TypeOrder.IsNumber(argument) => throw MongoRefusal.TypeMismatch($"Cannot increment with non-numeric argument: {{{path}: {argument}}}"),
        "$inc" => value => Increment(path, value, argument),
        "$min" => value => value is null || Values.Compare(argument, value) < 0 ? argument : null,
        "$max" => value => value is null || Values.Compare(argument, value) > 0 ? argument : null,
        _ => ArrayModifiers.Parse(name, path, argument)
    };

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
