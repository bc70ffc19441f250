using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Shop.Bench")]
[assembly: InternalsVisibleTo("Shop.Tests")]
