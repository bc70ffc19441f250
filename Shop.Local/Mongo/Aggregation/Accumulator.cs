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
        "$min" => new Extreme(-1),
        "$max" => new Extreme(1),
        "$first" => new Edge(true),
        "$last" => new Edge(false),
        "$push" => new Pushed(false),
        "$addToSet" => new Pushed(true),
        "$mergeObjects" => new Merged(),
        _ => throw MongoRefusal.Location(15952, $"unknown group operator '{name}'")
    };

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

    private sealed class Extreme(int sign) : Accumulator
    {
        private BsonValue? best;

        public override BsonValue Result => best ?? BsonNull.Value;

        public override void Add(BsonValue? value)
        {
            if (value is not (null or BsonNull or BsonUndefined) && (best is null || Values.Compare(value, best) * sign > 0))
                best = Bson.Copy(value);
        }
    }

    private sealed class Edge(bool first) : Accumulator
    {
        private BsonValue? kept;

        public override BsonValue Result => kept ?? BsonNull.Value;

        public override void Add(BsonValue? value)
        {
            if (!first || kept is null) kept = Bson.Copy(value ?? BsonNull.Value);
        }
    }

    private sealed class Pushed(bool distinct) : Accumulator
    {
        private readonly BsonArray values = [];
        private readonly HashSet<byte[]> seen = new(ByteKeys.Instance);

        public override BsonValue Result => values;

        public override void Add(BsonValue? value)
        {
            if (value is not null && (!distinct || seen.Add(KeyWriter.Of(value)))) values.Add(Bson.Copy(value));
        }
    }

    private sealed class Merged : Accumulator
    {
        private BsonDocument merged = [];

        public override BsonValue Result => merged;

        public override void Add(BsonValue? value) => merged = Operators.Merge([merged, value is null ? null : Bson.Copy(value)]);
    }
}
