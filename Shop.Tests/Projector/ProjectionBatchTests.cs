using System.Text;
using Shop.Contracts.Events;
using Shop.Projector.Projection;

namespace Shop.Tests.Projector;

public sealed class ProjectionBatchTests
{
    private static readonly CustomerState alice = new("CUST987", "Alice Smith", 1, 1);

    [Fact]
    public void Of_several_versions_the_highest_is_applied_wherever_it_stands()
    {
        var batch = new ProjectionBatch([History.Event(alice), History.Event(alice with { Version = 3 }), History.Event(alice with { Version = 2 })]);
        Assert.Equal(3, Assert.Single(batch.Winners(AggregateKind.Customer)).Version);
        Assert.Empty(batch.Poison);
    }

    [Fact]
    public void Aggregates_of_different_kinds_may_share_an_identifier()
    {
        var batch = new ProjectionBatch([History.Event(alice), History.Event(new ProductState("CUST987", "Widget", 10.50m, false, 1, 1))]);
        Assert.Single(batch.Winners(AggregateKind.Customer));
        Assert.Single(batch.Winners(AggregateKind.Product));
    }

    [Fact]
    public void A_version_that_the_store_refuses_gives_way_to_the_next()
    {
        var batch = new ProjectionBatch([History.Event(alice), History.Event(alice with { Version = 2 })]);
        var next = batch.Reject(batch.Winners(AggregateKind.Customer).Single(), "too large");
        Assert.Equal(1, next!.Version);
        Assert.Equal(PoisonReason.RefusedByStore, batch.Poison[1].Reason);
        Assert.Null(batch.Reject(next, "too large"));
        Assert.Empty(batch.Winners(AggregateKind.Customer));
        Assert.Equal(2, batch.Poison.Count);
    }

    [Theory]
    [InlineData("shop.customer.registered.v1", "{", PoisonReason.MalformedBody)]
    [InlineData("shop.customer.registered.v1", "null", PoisonReason.MalformedBody)]
    [InlineData("shop.customer.registered.v1", "{\"customerId\":\"C\"}", PoisonReason.MalformedBody)]
    [InlineData("shop.customer.registered.v1", "{\"customerId\":\"C\",\"name\":null,\"version\":1,\"nameVersion\":1}", PoisonReason.MalformedBody)]
    [InlineData("shop.customer.registered.v1", "{\"customerId\":\"C\",\"name\":\"\\ud800\",\"version\":1,\"nameVersion\":1}", null)]
    [InlineData("shop.customer.registered.v1", "{\"customerId\":\"\",\"name\":\"A\",\"version\":1,\"nameVersion\":1}", PoisonReason.ImpossibleState)]
    [InlineData("shop.customer.registered.v1", "{\"customerId\":\"C\",\"name\":\"A\",\"version\":0,\"nameVersion\":1}", PoisonReason.ImpossibleState)]
    [InlineData("shop.customer.registered.v1", "{\"customerId\":\"C\",\"name\":\"A\",\"version\":1,\"nameVersion\":2}", PoisonReason.ImpossibleState)]
    [InlineData("shop.warehouse.opened.v1", "{}", PoisonReason.UnknownType)]
    [InlineData("shop.customer.registered.v2", "{\"customerId\":\"C\",\"name\":\"A\",\"version\":1,\"nameVersion\":1}", PoisonReason.UnknownType)]
    [InlineData("shop.customer.registered", "{\"customerId\":\"C\",\"name\":\"A\",\"version\":1,\"nameVersion\":1}", PoisonReason.UnknownType)]
    public void What_cannot_be_applied_is_poison_with_a_reason_and_stops_nobody(string type, string body, string? reason)
    {
        var batch = new ProjectionBatch([new(type, Encoding.UTF8.GetBytes(body)), History.Event(alice)]);
        Assert.Equal(alice.CustomerId, Assert.Single(batch.Winners(AggregateKind.Customer)).Aggregate.Id);
        var poison = Assert.Single(batch.Poison);
        Assert.Equal(0, poison.Key);
        if (reason is not null) Assert.Equal(reason, poison.Value.Reason);
        Assert.NotEmpty(poison.Value.Description);
    }

    [Fact]
    public void Properties_that_a_newer_writer_added_are_ignored()
    {
        var body = "{\"customerId\":\"C\",\"name\":\"A\",\"version\":1,\"nameVersion\":1,\"shoeSize\":42}";
        Assert.Empty(new ProjectionBatch([new(EventTypes.CustomerRegistered, Encoding.UTF8.GetBytes(body))]).Poison);
    }
}
