using Shop.Local.RabbitMq;

namespace Shop.Tests.ServiceDefaults.Messaging;

/// <summary>A RabbitMQ node for a test, which is skipped where RabbitMQ is not installed.</summary>
internal static class RabbitMqServer
{
    public static Task<LocalRabbitMq> StartAsync(CancellationToken cancellationToken)
    {
        Assert.SkipUnless(LocalRabbitMq.IsInstalled, "RabbitMQ is not installed (apt-get install rabbitmq-server)");
        return LocalRabbitMq.StartAsync(port: 0, quorum: false, cancellationToken);
    }
}
