using System.Text.RegularExpressions;

namespace Shop.Local.Mongo.Queries;

/// <summary>What a query demands of the values at a path.</summary>
internal abstract record Condition
{
    /// <summary>Of all values at the path, arrays run through.</summary>
    public virtual bool Matches(BsonValue root, string[] path, MatchPosition? position) => DocumentPath.Any(root, path, true, position, Accepts);
    /// <summary>Of one value, as inside <c>$elemMatch</c>; null is a missing one.</summary>
    public abstract bool Accepts(BsonValue? value);
}

internal enum Comparison { Equal, Less, LessOrEqual, Greater, GreaterOrEqual }

internal sealed record Compared(Comparison Comparison, BsonValue Operand) : Condition
{
    private readonly byte type = TypeOrder.Of(Operand);

    public override bool Accepts(BsonValue? value)
    {
        if (value is null)
            return Operand is BsonNull && Comparison is (Comparison.Equal or Comparison.LessOrEqual or Comparison.GreaterOrEqual);
        // Ordering only relates values of one type; the extremes are above and below all of them.
        if (TypeOrder.Of(value) != type && type is not (TypeOrder.MinKey or TypeOrder.MaxKey)) return false;
        if (Comparison == Comparison.Equal) return Values.Same(value, Operand);
        if (Values.IsNaN(value) || Values.IsNaN(Operand))
            return Comparison is Comparison.LessOrEqual or Comparison.GreaterOrEqual && Values.IsNaN(value) && Values.IsNaN(Operand);
        var order = Values.Compare(value, Operand);
        return Comparison switch
        {
            Comparison.Less => order < 0,
            Comparison.LessOrEqual => order <= 0,
            Comparison.Greater => order > 0,
            _ => order >= 0
        };
    }
}

internal sealed record OneOf(IReadOnlyList<BsonValue> Operands, IReadOnlyList<PatternMatch> Patterns) : Condition
{
    private readonly HashSet<byte[]> keys = new(Operands.Select(KeyWriter.Of), ByteKeys.Instance);
    private readonly bool missing = Operands.Any(operand => operand is BsonNull);

    public override bool Accepts(BsonValue? value) => value is null ? missing
        : keys.Contains(KeyWriter.Of(value)) || Patterns.Any(pattern => pattern.Accepts(value));
}

internal sealed record PatternMatch(Regex Pattern, BsonRegularExpression Source) : Condition
{
    private static readonly TimeSpan MatchTimeout = TimeSpan.FromSeconds(1);

    public static PatternMatch Parse(string pattern, string options)
    {
        var flags = RegexOptions.CultureInvariant;
        foreach (var option in options)
            flags |= option switch
            {
                'i' => RegexOptions.IgnoreCase,
                'm' => RegexOptions.Multiline,
                's' => RegexOptions.Singleline,
                'x' => RegexOptions.IgnorePatternWhitespace,
                'u' => RegexOptions.None,
                _ => throw MongoRefusal.Location(51108, $"invalid flag in regex options: {option}")
            };
        try
        {
            return new PatternMatch(new Regex(pattern, flags, MatchTimeout), new BsonRegularExpression(pattern, options));
        }
        catch (ArgumentException malformed)
        {
            throw MongoRefusal.Location(51091, $"Regular expression is invalid: {malformed.Message}");
        }
    }

    public override bool Accepts(BsonValue? value) => value switch
    {
        BsonString text => IsMatch(text.Value),
        BsonSymbol symbol => IsMatch(symbol.Name),
        BsonRegularExpression regex => Values.Same(regex, Source),
        _ => false
    };

    private bool IsMatch(string text)
    {
        try
        {
            return Pattern.IsMatch(text);
        }
        catch (RegexMatchTimeoutException)
        {
            throw new MongoRefusal(50, "MaxTimeMSExpired", "A regular expression took more than a second on one value");
        }
    }
}

internal sealed record Exists(bool Wanted) : Condition
{
    public override bool Matches(BsonValue root, string[] path, MatchPosition? position) =>
        DocumentPath.Any(root, path, false, Wanted ? position : null, value => value is not null) == Wanted;
    public override bool Accepts(BsonValue? value) => value is not null == Wanted;
}

internal sealed record Not(Condition Inner) : Condition
{
    public override bool Matches(BsonValue root, string[] path, MatchPosition? position) => !Inner.Matches(root, path, null);
    public override bool Accepts(BsonValue? value) => !Inner.Accepts(value);
}

internal sealed record Every(IReadOnlyList<Condition> Parts) : Condition
{
    public override bool Matches(BsonValue root, string[] path, MatchPosition? position) => Parts.All(part => part.Matches(root, path, position));
    public override bool Accepts(BsonValue? value) => Parts.All(part => part.Accepts(value));
}

internal sealed record SizeIs(long Size) : Condition
{
    public override bool Matches(BsonValue root, string[] path, MatchPosition? position) => DocumentPath.Any(root, path, false, position, Accepts);
    public override bool Accepts(BsonValue? value) => value is BsonArray array && array.Count == Size;
}

/// <summary>One element meets all: either a query over documents or conditions on the element itself.</summary>
internal sealed record ElementMatches(Filter? Query, Condition? Condition) : Condition
{
    public override bool Matches(BsonValue root, string[] path, MatchPosition? position) =>
        DocumentPath.Any(root, path, false, position, value => Find(value, position));
    public override bool Accepts(BsonValue? value) => Find(value, null);

    private bool Find(BsonValue? value, MatchPosition? position)
    {
        var index = 0;
        foreach (var element in value as BsonArray ?? [])
        {
            if (Query is null ? Condition!.Accepts(element) : element is BsonDocument document && Query.Matches(document) || element is BsonArray nested && Query.Matches(AsDocument(nested)))
            {
                if (position is not null) position.Index = index;
                return true;
            }
            index++;
        }
        return false;
    }

    /// <summary>MongoDB sees a nested array as a document whose fields are 0, 1, ...</summary>
    private static BsonDocument AsDocument(BsonArray array) =>
        new(array.Select((value, index) => new BsonElement(index.ToString(System.Globalization.CultureInfo.InvariantCulture), value)));
}
