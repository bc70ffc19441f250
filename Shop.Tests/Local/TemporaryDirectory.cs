namespace Shop.Tests.Local;

/// <summary>A directory of the test's own, 0700 like a home, gone afterwards.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("shop-test-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
