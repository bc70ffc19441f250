using System.Globalization;
using System.Runtime.InteropServices;
using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Local.Mongo;

namespace Shop.Tests.Local.Mongo;

public sealed class FullDiskTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_did_not_reach_the_log_is_never_read()
    {
        var directory = Directory.CreateTempSubdirectory("shop-full-disk-").FullName;
        try
        {
            await using var store = await StoreServer.StartAsync(new StoreOptions { DataDirectory = directory }, Cancellation);
            var settings = MongoClientSettings.FromConnectionString(store.ConnectionString);
            (settings.RetryReads, settings.ServerSelectionTimeout) = (false, TimeSpan.FromSeconds(2));
            using var client = new MongoClient(settings);
            var orders = client.GetDatabase("shop").GetCollection<BsonDocument>("orders");
            await orders.InsertOneAsync(new BsonDocument("_id", "kept"), cancellationToken: Cancellation);
            Assert.Equal(1, await orders.CountDocumentsAsync(FilterDefinition<BsonDocument>.Empty, cancellationToken: Cancellation));

            FillDiskBehind(Path.Combine(directory, "segment-00000001"));
            await Assert.ThrowsAnyAsync<MongoException>(() => orders.InsertOneAsync(new BsonDocument("_id", "lost"), cancellationToken: Cancellation));

            // Before the store has ended: it knows more than it can keep.
            var failure = await Record.ExceptionAsync(() => orders.Find(new BsonDocument("_id", "lost")).FirstOrDefaultAsync(Cancellation));
            Assert.True(failure is MongoException or TimeoutException, $"It was read: {failure}");
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>Whoever writes to the open file is told that there is no space left.</summary>
    private static void FillDiskBehind(string path)
    {
        using var full = File.OpenHandle("/dev/full", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        var open = Directory.EnumerateFiles("/proc/self/fd").Where(link => TargetOf(link) == path)
            .Select(link => int.Parse(Path.GetFileName(link), CultureInfo.InvariantCulture)).ToList();
        Assert.NotEmpty(open);
        foreach (var descriptor in open) Assert.Equal(descriptor, Duplicate((int)full.DangerousGetHandle(), descriptor));
    }

    private static string? TargetOf(string link)
    {
        try
        {
            return File.ResolveLinkTarget(link, returnFinalTarget: false)?.FullName;
        }
        catch (IOException)
        {
            // Another test has closed it meanwhile.
            return null;
        }
    }

    [DllImport("libc", EntryPoint = "dup2", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Duplicate(int from, int to);
}
