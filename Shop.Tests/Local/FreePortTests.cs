using Shop.Local.Supervision;

namespace Shop.Tests.Local;

public sealed class FreePortTests
{
    [Fact]
    public void A_port_given_is_given_once_and_is_none_that_the_system_gives_to_others()
    {
        const int lowestOfTheSystem = 32_768;
        var ports = Enumerable.Range(0, 300).AsParallel().Select(_ => FreePort.Next()).ToList();
        Assert.Equal(ports.Count, ports.Distinct().Count());
        Assert.All(ports, port => Assert.InRange(port, 1_024, lowestOfTheSystem - 1));
        var bases = Enumerable.Range(0, 20).AsParallel().Select(_ => ShopPorts.Free().Base).ToList();
        Assert.Equal(bases.Count, bases.Distinct().Count());
    }
}
