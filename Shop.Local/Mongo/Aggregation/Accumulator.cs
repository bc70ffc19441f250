namespace Shop.Local.Mongo.Aggregation;

/// <summary>One value built from many, in <c>$group</c> and in the expressions of the same names.</summary>
internal abstract class Accumulator
{
    public abstract BsonValue Result { get; }

    public abstract void Add(BsonValue? value);

    public static Accumulator Create(string name) => name switch
    {
        "$sum" or "$count" => new Sum(),
        "$avg" => new Average(),
        "$min" => new Folded(BsonNull.Value, (best, value) => IsBetter(value, best, -1) ? value! : best),
        "$max" => new Folded(BsonNull.Value, (best, value) => IsBetter(value, best, 1) ? value! : best),
        "$first" => new Edge(true),
        "$last" => new Edge(false),
        "$push" => new Collected(false),
        "$addToSet" => new Collected(true),
        "$mergeObjects" => new Folded(new BsonDocument(), (merged, value) => Operators.Merge([merged, value])),
        _ => throw MongoRefusal.Location(15952, $"unknown group operator '{name}'")
    };

    private static bool IsBetter(BsonValue? value, BsonValue best, int sign) =>
        value is not (null or BsonNull or BsonUndefined) && (best is BsonNull || Values.Compare(value, best) * sign > 0);

    private class Sum : Accumulator
    {
        private BsonValue exact = 0;
        private double real, lost;
        private bool isReal;

        public long Count { get; private set; }

        public override BsonValue Result => !isReal ? exact : exact is BsonDecimal128 ? Values.Add(exact, real + lost)
            : new BsonDouble(double.IsFinite(real) ? real + lost + Values.ToDouble(exact) : real + Values.ToDouble(exact));

        public override void Add(BsonValue? value)
        {
            if (!TypeOrder.IsNumber(value)) return;
            Count++;
            if (value is not BsonDouble next)
            {
                var sum = Values.Add(exact, value!);
                (isReal, exact) = sum is BsonDouble ? (true, Fold(exact, value!)) : (isReal, sum);
                return;
            }
            // Compensated (Neumaier), as MongoDB adds doubles: the order of the documents must not show.
            isReal = true;
            var total = real + next.Value;
            lost += Math.Abs(real) >= Math.Abs(next.Value) ? real - total + next.Value : next.Value - total + real;
            real = total;
        }

        /// <summary>Longs that overflow go on as doubles.</summary>
        private BsonInt32 Fold(BsonValue left, BsonValue right)
        {
            real += Values.ToDouble(left) + Values.ToDouble(right);
            return new BsonInt32(0);
        }
    }

    private sealed class Average : Sum
    {
        public override BsonValue Result => Count == 0 ? BsonNull.Value : Values.Divide(base.Result, Count);
    }

    private sealed class Folded(BsonValue start, Func<BsonValue, BsonValue?, BsonValue> next) : Accumulator
    {
        private BsonValue result = start;

        public override BsonValue Result => result;

        public override void Add(BsonValue? value) => result = next(result, value);
    }

    private sealed class Edge(bool first) : Accumulator
    {
        private BsonValue? kept;

        public override BsonValue Result => kept ?? BsonNull.Value;

        public override void Add(BsonValue? value) => kept = first && kept is not null ? kept : value ?? BsonNull.Value;
    }

    private sealed class Collected(bool distinct) : Accumulator
    {
        private readonly BsonArray values = [];
        private readonly HashSet<byte[]> seen = new(ByteKeys.Instance);

        public override BsonValue Result => values;

        public override void Add(BsonValue? value)
        {
            if (value is not null && (!distinct || seen.Add(KeyWriter.Of(value)))) values.Add(value);
        }
    }
}
