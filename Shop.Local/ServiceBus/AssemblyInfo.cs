using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Shop.Tests")]
