using System.Runtime.CompilerServices;

// Signatures and message encoding are judged directly, without a broker between.
[assembly: InternalsVisibleTo("Shop.Bench")]
[assembly: InternalsVisibleTo("Shop.Tests")]
