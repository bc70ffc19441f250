namespace Shop.Local.Mongo.Aggregation;

/// <summary>Inclusion, exclusion and computed fields, of <c>find</c> and of <c>$project</c>.</summary>
internal sealed class Projection
{
    private readonly Node root = new();
    private readonly List<(string[] Path, Expression Value)> computed = [];
    private bool? including;
    private bool? id;

    /// <summary>Of <c>find</c> and <c>findAndModify</c>, where none means the whole document.</summary>
    public static Projection? Parse(RawValue specification) => specification.TryFirst(out _) ? Parse(specification.ToDocument()) : null;

    public static Projection Parse(BsonDocument? specification)
    {
        if (specification is null or { ElementCount: 0 })
            throw MongoRefusal.Location(51272, "Invalid $project :: caused by :: projection specification must have at least one field");
        var projection = new Projection();
        foreach (var element in specification) projection.Add(element.Name, element.Value);
        // Only _id was named: {_id: 0} excludes, {_id: 1} includes.
        projection.including ??= projection.id != false;
        // An inclusion keeps the _id unless told otherwise.
        if (projection.including != (projection.id == false)) projection.root.Children.TryAdd("_id", new Node());
        return projection;
    }

    /// <summary>Whether a value is 0/1 or a boolean, and which.</summary>
    private static bool? Flag(BsonValue value) => value is BsonBoolean || TypeOrder.IsNumber(value) ? Values.IsTrue(value) : null;

    public BsonDocument Apply(BsonDocument document)
    {
        var scope = new Scope(document);
        return computed.Aggregate((BsonDocument)Descend(root, document)!, (result, field) => Assignment.With(result, field.Path, field.Value(scope)));
    }

    private BsonValue? Apply(Node node, string name, BsonValue value)
    {
        if (node.Children.GetValueOrDefault(name) is not { } child) return including == true ? null : value;
        if (child.IsComputed) return null;
        return child.Children.Count == 0 ? (including == true ? value : null) : Descend(child, value);
    }

    private BsonValue? Descend(Node node, BsonValue value) => value switch
    {
        BsonDocument document => new BsonDocument(document.Select(element => (element.Name, Value: Apply(node, element.Name, element.Value)))
            .Where(element => element.Value is not null).Select(element => new BsonElement(element.Name, element.Value))),
        BsonArray array => new BsonArray(array.Select(element => Descend(node, element)).Where(element => element is not null)),
        _ => including == true ? null : value
    };

    private void Add(string path, BsonValue value)
    {
        var parts = path.Split('.');
        if (parts.Any(part => part.Length == 0)) throw MongoRefusal.Location(40352, "FieldPath field names may not be empty strings.");
        if (parts.Any(part => part[0] == '$'))
            throw MongoRefusal.Location(16410, $"FieldPath field names may not start with '$': positional projection '{path}' is not supported");
        if (Flag(value) is { } wanted && path == "_id")
            id = wanted;
        else if (Flag(value) is { } included)
            AddNode(path, parts, included);
        else if (value is BsonDocument { ElementCount: > 0 } nested && nested.GetElement(0).Name is not ['$', ..])
            foreach (var element in nested) Add($"{path}.{element.Name}", element.Value);
        else
        {
            if (path == "_id") id = false;
            AddNode(path, parts, true).IsComputed = true;
            computed.Add((parts, ExpressionParser.Parse(value)));
        }
    }

    private Node AddNode(string path, string[] parts, bool include)
    {
        if (including is { } known && known != include)
            throw include ? MongoRefusal.Location(31253, $"Cannot do inclusion on field {path} in exclusion projection")
                : MongoRefusal.Location(31254, $"Cannot do exclusion on field {path} in inclusion projection");
        including = include;
        var node = root;
        for (var i = 0; i < parts.Length; i++)
        {
            if (node.Children.TryGetValue(parts[i], out var child) && (i == parts.Length - 1 || child.Children.Count == 0))
                throw MongoRefusal.Location(31250, $"Path collision at {path}");
            node = node.Children[parts[i]] = child ?? new Node();
        }
        return node;
    }

    private sealed class Node
    {
        public Dictionary<string, Node> Children { get; } = new(StringComparer.Ordinal);
        public bool IsComputed { get; set; }
    }
}
