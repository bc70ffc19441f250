using System.Text;
using System.Text.RegularExpressions;

namespace Shop.Local.Mongo.Queries;

/// <summary>What a query demands of the values at a path.</summary>
internal abstract record Condition
{
    /// <summary>Of all values at the path, arrays run through.</summary>
    public virtual bool Matches(RawValue root, FieldPath path, MatchPosition? position) => path.Any(root, this, true, position);

    /// <summary>Of one value, which may be missing, as inside <c>$elemMatch</c>.</summary>
    public abstract bool Accepts(RawValue value);
}

internal enum Comparison { Equal, Less, LessOrEqual, Greater, GreaterOrEqual }

internal sealed record Compared(Comparison Comparison, RawValue Operand) : Condition
{
    private readonly byte type = TypeOrder.Of(Operand.Type);
    private readonly bool isNaN = Values.IsNaN(Operand);

    public byte[] Key { get; } = KeyWriter.Of(Operand);

    public override bool Accepts(RawValue value)
    {
        if (value.IsMissing)
            return Operand.Type == BsonType.Null && Comparison is (Comparison.Equal or Comparison.LessOrEqual or Comparison.GreaterOrEqual);
        // Ordering only relates values of one type; the extremes are above and below all of them.
        if (TypeOrder.Of(value.Type) != type && type is not (TypeOrder.MinKey or TypeOrder.MaxKey)) return false;
        var order = KeyWriter.Look(value).SequenceCompareTo(Key);
        // NaN equals itself and is neither above nor below anything.
        if (isNaN || Values.IsNaN(value)) return order == 0 && Comparison is not (Comparison.Less or Comparison.Greater);
        return Comparison switch
        {
            Comparison.Equal => order == 0,
            Comparison.Less => order < 0,
            Comparison.LessOrEqual => order <= 0,
            Comparison.Greater => order > 0,
            _ => order >= 0
        };
    }
}

internal sealed record OneOf(IReadOnlyList<RawValue> Operands, IReadOnlyList<PatternMatch> Patterns) : Condition
{
    private readonly HashSet<byte[]> keys = new(Operands.Select(KeyWriter.Of), ByteKeys.Instance);
    private readonly bool missing = Operands.Any(operand => operand.Type == BsonType.Null);

    public IEnumerable<byte[]> Keys => keys;

    public override bool Accepts(RawValue value) => value.IsMissing ? missing
        : keys.GetAlternateLookup<ReadOnlySpan<byte>>().Contains(KeyWriter.Look(value)) || Patterns.Any(pattern => pattern.Accepts(value));
}

internal sealed record PatternMatch(Regex Pattern, byte[] Key) : Condition
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
            return new PatternMatch(new Regex(pattern, flags, MatchTimeout), KeyWriter.Of(new BsonRegularExpression(pattern, options)));
        }
        catch (ArgumentException malformed)
        {
            throw MongoRefusal.Location(51091, $"Regular expression is invalid: {malformed.Message}");
        }
    }

    public static PatternMatch Parse(RawValue regex) =>
        Parse(Encoding.UTF8.GetString(regex.Pattern), Encoding.UTF8.GetString(regex.PatternOptions));

    public override bool Accepts(RawValue value) => value.Type switch
    {
        BsonType.String or BsonType.Symbol => IsMatch(value.Text),
        BsonType.RegularExpression => KeyWriter.Look(value).SequenceEqual(Key),
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
    private static readonly Exists Any = new(true);

    public override bool Matches(RawValue root, FieldPath path, MatchPosition? position) =>
        path.Any(root, Any, false, Wanted ? position : null) == Wanted;

    public override bool Accepts(RawValue value) => value.IsMissing != Wanted;
}

internal sealed record Not(Condition Inner) : Condition
{
    public override bool Matches(RawValue root, FieldPath path, MatchPosition? position) => !Inner.Matches(root, path, null);
    public override bool Accepts(RawValue value) => !Inner.Accepts(value);
}

internal sealed record Every(IReadOnlyList<Condition> Parts) : Condition
{
    public override bool Matches(RawValue root, FieldPath path, MatchPosition? position) => Parts.All(part => part.Matches(root, path, position));
    public override bool Accepts(RawValue value) => Parts.All(part => part.Accepts(value));
}

internal sealed record SizeIs(long Size) : Condition
{
    public override bool Matches(RawValue root, FieldPath path, MatchPosition? position) => path.Any(root, this, false, position);

    public override bool Accepts(RawValue value)
    {
        var count = 0L;
        foreach (var _ in value) count++;
        return value.IsArray && count == Size;
    }
}

/// <summary>One element meets all: either a query over documents or conditions on the element itself.</summary>
internal sealed record ElementMatches(Filter? Query, Condition? Condition) : Condition
{
    public override bool Matches(RawValue root, FieldPath path, MatchPosition? position) =>
        path.Any(root, position is null ? this : new Positioned(this, position), false, position);

    public override bool Accepts(RawValue value) => Find(value, null);

    private bool Find(RawValue value, MatchPosition? position)
    {
        var index = 0;
        foreach (var (_, element) in value.IsArray ? value : default)
        {
            // MongoDB sees a nested array as a document whose fields are 0, 1, ..., which is how BSON writes it.
            if (Query is null ? Condition!.Accepts(element) : (element.IsDocument || element.IsArray) && Query.Matches(element.AsDocument))
                return MatchPosition.Found(position, index);
            index++;
        }
        return false;
    }

    private sealed record Positioned(ElementMatches Outer, MatchPosition Position) : Condition
    {
        public override bool Accepts(RawValue value) => Outer.Find(value, Position);
    }
}
