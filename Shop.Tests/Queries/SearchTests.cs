using System.Net;
using MongoDB.Bson;
using MongoDB.Driver;
using Shop.Contracts.Events;
using Shop.Contracts.Views;
using Shop.Projector.Projection;
using Shop.Queries.Customers;
using Shop.Queries.Products;
using Shop.ServiceDefaults.Data;
using Shop.Tests.Projector;

namespace Shop.Tests.Queries;

public sealed class SearchTests(ReadStore store) : IClassFixture<ReadStore>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Alice Smith", "al", true)]
    [InlineData("Alice Smith", "SMI", true)]
    [InlineData("Alice Smith", "alice s", true)]
    [InlineData("Alice Smith", "lice", false)]
    [InlineData("José Muñoz-Łukasz", "munoz", true)]
    [InlineData("José Muñoz-Łukasz", "LUK", true)]
    [InlineData("Jose\u0301 Silva", "josé si", true)]
    [InlineData("Siobhán O’Neill", "oneill", true)]
    [InlineData("Ana Trujillo Emparedados y helados", "helados", true)]
    [InlineData("Иван Петров", "петр", true)]
    [InlineData("Anyone", "c-0", true)]
    [InlineData("Anyone", "C 07", true)]
    public void A_name_is_found_by_the_beginning_of_each_of_its_words_and_an_identifier_by_its_own(string name, string typed, bool isFound)
    {
        var bounds = SearchKeys.Beginning(typed)!["search"]["$elemMatch"];
        Assert.Equal(isFound, SearchKeys.Of("C-07", name).Any(key =>
            string.CompareOrdinal(key, bounds["$gte"].AsString) >= 0 && key.StartsWith(bounds["$gte"].AsString, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Customers_and_products_are_found_while_one_types_with_what_the_read_model_knows_now()
    {
        var connection = store.NewConnectionString();
        var models = store.Open(connection);
        await ReadModelSetup.CreateAsync(models, Cancellation);
        await ProjectAsync(models, History.Event(new CustomerState("C1", "Alice Smith", 1, 1)), History.Event(new CustomerState("C2", "Bob Smithers", 1, 1)),
            History.Event(new ProductState("P1", "Widget, red", 10.50m, false, 1, 1)), History.Event(new ProductState("P2", "Widget, blue", 12m, true, 2, 1)));
        await using var queries = await ServiceHost.StartQueriesAsync(connection, Cancellation);

        Assert.Equal(["C1", "C2"], await IdsAsync(queries, "/customers?search=smith", "customers"));
        Assert.Equal(["C2"], await IdsAsync(queries, "/customers?search=smithe", "customers"));
        Assert.Equal(["C1", "C2"], await IdsAsync(queries, "/customers", "customers"));
        Assert.Equal(["C1"], await IdsAsync(queries, "/customers?search=%20&limit=1", "customers"));
        Assert.Equal([], await IdsAsync(queries, "/customers?search=nobody", "customers"));
        // What is discontinued cannot be ordered.
        Assert.Equal(["P1"], await IdsAsync(queries, "/products?search=widg", "products"));

        await ProjectAsync(models, History.Event(new CustomerState("C1", "Alice Jones", 2, 2)), History.Event(new ProductState("P1", "Widget, red", 11m, false, 2, 1)));
        Assert.Equal(["C2"], await IdsAsync(queries, "/customers?search=smi", "customers"));
        Assert.Equal(["C1"], await IdsAsync(queries, "/customers?search=jones", "customers"));
        Assert.Equal(11m, (await queries.GetJsonAsync("/products?search=red", Cancellation)).GetProperty("products")[0].GetProperty("price").GetDecimal());
        using var refused = await queries.Http.GetAsync($"/customers?limit=51&search={new string('x', 201)}", Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
    }

    [Fact]
    public async Task A_search_looks_at_what_begins_so_and_at_nothing_else()
    {
        var models = store.NewReadModels();
        await ReadModelSetup.CreateAsync(models, Cancellation);
        await ProjectAsync(models, [.. Enumerable.Range(0, 200).Select(i => History.Event(new CustomerState($"C{i:000}", $"Name{i:000} Family{i % 10}", 1, 1)))]);
        await AssertExaminedAsync(models.Customers, FindCustomers.Query(models, "family3").Filter.Render(Arguments(models.Customers)), 20);
        await AssertExaminedAsync(models.Customers, SearchBackfill.WithoutKeys, 0);
        await AssertExaminedAsync(models.Products, FindProducts.Query(models, "any").Filter.Render(Arguments(models.Products)), 0);
    }

    [Fact]
    public async Task What_an_older_projector_wrote_gets_its_keys()
    {
        var models = store.NewReadModels();
        await ReadModelSetup.CreateAsync(models, Cancellation);
        await models.Customers.InsertOneAsync(new CustomerDocument("C1", 3, "Alice Smith", 2, TimeProvider.System.GetUtcNow()), cancellationToken: Cancellation);
        await new SearchBackfill(models, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<SearchBackfill>.Instance).RunOnceAsync(Cancellation);
        var found = await FindCustomers.Query(models, "smi").SingleAsync(Cancellation);
        Assert.Equal(("C1", 3), (found.Id, found.Version));
    }

    private static RenderArgs<T> Arguments<T>(IMongoCollection<T> collection) => new(collection.DocumentSerializer, collection.Settings.SerializerRegistry);

    private static async Task AssertExaminedAsync<T>(IMongoCollection<T> collection, BsonDocument filter, int documents)
    {
        var find = new BsonDocument { { "find", collection.CollectionNamespace.CollectionName }, { "filter", filter } };
        var answer = await collection.Database.RunCommandAsync<BsonDocument>(
            new BsonDocument { { "explain", find }, { "verbosity", "executionStats" } }, cancellationToken: Cancellation);
        var plan = answer["queryPlanner"]["winningPlan"].ToJson();
        Assert.Contains("\"IXSCAN\"", plan, StringComparison.Ordinal);
        Assert.Contains($"\"{SearchKeys.IndexName}\"", plan, StringComparison.Ordinal);
        Assert.Equal(documents, answer["executionStats"]["totalDocsExamined"].ToInt32());
    }

    private static async Task<IEnumerable<string?>> IdsAsync(ServiceHost queries, string path, string kind) =>
        (await queries.GetJsonAsync(path, Cancellation)).GetProperty(kind).EnumerateArray().Select(found => found.GetProperty("_id").GetString());

    private static async Task ProjectAsync(ReadModels models, params IncomingEvent[] events)
    {
        await foreach (var _ in new OrderProjection(models, TimeProvider.System).ApplyAsync(new ProjectionBatch(events), Cancellation)) { }
    }
}
