using System.Collections.Concurrent;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using MongoDB.Bson;
using MongoDB.Driver;
using Shop.ServiceDefaults.Data;
using Shop.Tests.Projector;

namespace Shop.Tests.ServiceDefaults.Data;

public sealed class StoreConnectionTests(ReadStore store) : IClassFixture<ReadStore>
{
    [Fact]
    public async Task A_service_notices_within_seconds_that_the_store_it_waits_for_is_gone()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Configuration["ConnectionStrings:readdb"] = store.NewConnectionString();
        builder.AddReadModels();
        using var host = builder.Build();
        var settings = host.Services.GetRequiredService<IMongoClient>().Settings.Clone();
        var asInTheService = settings.ClusterConfigurator;
        ConcurrentQueue<string> sockets = [];
        settings.ClusterConfigurator = cluster =>
        {
            asInTheService(cluster);
            cluster.ConfigureTcp(tcp => tcp.With(socketConfigurator: new Action<Socket>(socket =>
            {
                tcp.SocketConfigurator(socket);
                sockets.Enqueue(Options(socket));
            })));
        };
        using var client = new MongoClient(settings);
        await client.GetDatabase("admin").RunCommandAsync<BsonDocument>(new BsonDocument("ping", 1), cancellationToken: TestContext.Current.CancellationToken);
        Assert.NotEmpty(sockets);
        Assert.All(sockets, options => Assert.Equal(OperatingSystem.IsLinux() ? "5 2 3 11000" : "5 2 3", options));
    }

    [Fact]
    public void A_service_looks_for_its_store_so_often_that_a_clock_set_back_can_hardly_keep_it_from_looking()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Configuration["ConnectionStrings:readdb"] = store.NewConnectionString();
        builder.AddReadModels();
        using var host = builder.Build();
        Assert.Equal(TimeSpan.FromMilliseconds(500), host.Services.GetRequiredService<IMongoClient>().Settings.HeartbeatInterval);
    }

    private static string Options(Socket socket)
    {
        const int tcpUserTimeout = 18;
        var options = string.Join(' ', new[] { SocketOptionName.TcpKeepAliveTime, SocketOptionName.TcpKeepAliveInterval, SocketOptionName.TcpKeepAliveRetryCount }
            .Select(option => socket.GetSocketOption(SocketOptionLevel.Tcp, option)));
        if (!OperatingSystem.IsLinux()) return options;
        var milliseconds = new byte[sizeof(int)];
        socket.GetRawSocketOption((int)SocketOptionLevel.Tcp, tcpUserTimeout, milliseconds);
        return $"{options} {BitConverter.ToInt32(milliseconds)}";
    }
}
