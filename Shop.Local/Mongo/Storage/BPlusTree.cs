namespace Shop.Local.Mongo.Storage;

/// <summary>A place between keys: before the first key that begins with the bytes, or after the last one.</summary>
internal readonly record struct Bound(byte[] Bytes, bool After)
{
    public static readonly Bound Start = new([], false);
    public static readonly Bound End = new([], true);
    /// <summary>Whether a key lies behind this place.</summary>
    public bool Precedes(ReadOnlySpan<byte> key) => !(After && key.StartsWith(Bytes)) && key.SequenceCompareTo(Bytes) >= 0;
}

/// <summary>
/// An ordered map from keys, compared as unsigned bytes, to records: a B+ tree with linked leaves. Emptied leaves are unlinked,
/// sparse ones stay, which costs memory after mass deletes until the next start and never order. Not thread-safe.
/// </summary>
internal sealed class BPlusTree
{
    private const int Capacity = 64;
    private Node root = new(true);

    public int Count { get; private set; }

    /// <summary>False, and nothing changed, when the key is there.</summary>
    public bool TryAdd(byte[] key, Record record)
    {
        var (added, split) = Insert(root, key, record);
        if (split is not null) root = Node.Above([root, split]);
        if (added) Count++;
        return added;
    }

    public bool Remove(byte[] key)
    {
        if (!Remove(root, key)) return false;
        Count--;
        while (!root.IsLeaf && root.Count == 1) root = root.Children[0];
        if (root.Count == 0) root = new Node(true);
        return true;
    }

    public Record? Find(ReadOnlySpan<byte> key)
    {
        var node = root;
        while (!node.IsLeaf) node = node.Children[node.ChildFor(key)];
        var index = node.LowerBound(key);
        return index < node.Count && node.Keys[index].AsSpan().SequenceEqual(key) ? node.Records[index] : null;
    }

    /// <summary>From a place onwards, or backwards from it; ends when the consumer stops or the tree does. The tree must not change meanwhile.</summary>
    public IEnumerable<(byte[] Key, Record Record)> From(Bound place, bool backward)
    {
        var node = root;
        while (!node.IsLeaf)
        {
            var child = node.FirstBehind(place);
            node = node.Children[Math.Max(child - 1, 0)];
        }
        var index = node.FirstBehind(place);
        if (!backward)
        {
            for (Node? leaf = node; leaf is not null; leaf = leaf.Next, index = 0)
                for (; index < leaf.Count; index++) yield return (leaf.Keys[index], leaf.Records[index]);
            yield break;
        }
        index--;
        for (Node? leaf = node; leaf is not null; leaf = leaf.Previous, index = leaf is null ? 0 : leaf.Count - 1)
            for (; index >= 0; index--) yield return (leaf.Keys[index], leaf.Records[index]);
    }

    private static (bool Added, Node? Split) Insert(Node node, byte[] key, Record record)
    {
        if (node.IsLeaf)
        {
            var index = node.LowerBound(key);
            if (index < node.Count && node.Keys[index].AsSpan().SequenceEqual(key)) return (false, null);
            return (true, node.Add(index, key, record));
        }
        var child = node.ChildFor(key);
        var (added, grown) = Insert(node.Children[child], key, record);
        // The first key of a child is only a lower fence; it follows when something smaller arrives.
        node.Keys[child] = node.Children[child].Keys[0];
        return (added, grown is null ? null : node.Add(child + 1, grown.Keys[0], grown));
    }

    private static bool Remove(Node node, byte[] key)
    {
        if (node.IsLeaf)
        {
            var index = node.LowerBound(key);
            if (index >= node.Count || !node.Keys[index].AsSpan().SequenceEqual(key)) return false;
            node.RemoveAt(index);
            return true;
        }
        var child = node.ChildFor(key);
        var below = node.Children[child];
        if (!Remove(below, key)) return false;
        if (below.Count == 0)
        {
            below.Unlink();
            node.RemoveAt(child);
        }
        return true;
    }

    private sealed class Node(bool isLeaf)
    {
        public readonly bool IsLeaf = isLeaf;
        public readonly byte[][] Keys = new byte[Capacity][];
        private readonly object[] values = isLeaf ? new Record[Capacity] : new Node[Capacity];
        public int Count;
        public Node? Next, Previous;

        public Record[] Records => (Record[])values;
        public Node[] Children => (Node[])values;

        public static Node Above(Node[] children)
        {
            var node = new Node(false) { Count = children.Length };
            for (var i = 0; i < children.Length; i++) (node.Keys[i], node.Children[i]) = (children[i].Keys[0], children[i]);
            return node;
        }

        public int LowerBound(ReadOnlySpan<byte> key) => FirstBehind(key, false);

        public int FirstBehind(Bound place) => FirstBehind(place.Bytes, place.After);

        public int ChildFor(ReadOnlySpan<byte> key)
        {
            var index = LowerBound(key);
            return index < Count && Keys[index].AsSpan().SequenceEqual(key) ? index : Math.Max(index - 1, 0);
        }

        /// <returns>The new right neighbour when the node was full.</returns>
        public Node? Add(int index, byte[] key, object value)
        {
            var split = Count == Capacity ? Split(index == Count) : null;
            if (split is not null && index >= Count)
                split.InsertAt(index - Count, key, value);
            else InsertAt(index, key, value);
            return split;
        }

        private void InsertAt(int index, byte[] key, object value)
        {
            Array.Copy(Keys, index, Keys, index + 1, Count - index);
            Array.Copy(values, index, values, index + 1, Count - index);
            (Keys[index], values[index]) = (key, value);
            Count++;
        }

        public void RemoveAt(int index)
        {
            Count--;
            Array.Copy(Keys, index + 1, Keys, index, Count - index);
            Array.Copy(values, index + 1, values, index, Count - index);
            (Keys[Count], values[Count]) = (null!, null!);
        }

        /// <summary>Ascending inserts leave full nodes behind instead of half-empty ones.</summary>
        private Node Split(bool ascending)
        {
            var at = ascending ? Capacity - 1 : Capacity / 2;
            var right = new Node(IsLeaf) { Count = Capacity - at };
            Array.Copy(Keys, at, right.Keys, 0, right.Count);
            Array.Clear(Keys, at, right.Count);
            Array.Copy(values, at, right.values, 0, right.Count);
            Array.Clear(values, at, right.Count);
            Count = at;
            if (IsLeaf)
            {
                (right.Next, right.Previous) = (Next, this);
                if (Next is not null) Next.Previous = right;
                Next = right;
            }
            return right;
        }

        public void Unlink()
        {
            if (Next is not null) Next.Previous = Previous;
            if (Previous is not null) Previous.Next = Next;
        }

        private int FirstBehind(ReadOnlySpan<byte> bytes, bool after)
        {
            int low = 0, high = Count;
            while (low < high)
            {
                var middle = (low + high) >>> 1;
                var key = Keys[middle].AsSpan();
                if (after && key.StartsWith(bytes) || key.SequenceCompareTo(bytes) < 0)
                    low = middle + 1;
                else high = middle;
            }
            return low;
        }
    }
}
