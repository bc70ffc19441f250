using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using MongoDB.Driver;

namespace Shop.ServiceDefaults.Data;

public static class ReadModelsExtensions
{
    public const string ConnectionName = "readdb";
    private const string DefaultDatabase = "shop";

    // The driver's own 30 s would make a caller wait that long to be told that the store is away.
    private static readonly TimeSpan storeTimeout = TimeSpan.FromSeconds(3);

    /// <summary>
    /// The driver's own minimum instead of 10 s. It takes the time of its next look from the wall clock: one that was set back by an hour since the
    /// last look, before the store goes, keeps the driver from looking again for an hour.
    /// </summary>
    private static readonly TimeSpan heartbeatInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>TCP_USER_TIMEOUT of Linux, in milliseconds: for what was sent and not acknowledged.</summary>
    private const int LinuxUserTimeout = 18;

    /// <summary>Registers <see cref="ReadModels"/> over <c>ConnectionStrings:readdb</c>; the database is <c>shop</c> unless it names another.</summary>
    public static void AddReadModels(this IHostApplicationBuilder builder, Action<MongoDBSettings>? configureSettings = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.AddMongoDBClient(ConnectionName, configureSettings, client =>
        {
            client.ServerSelectionTimeout = storeTimeout;
            client.ConnectTimeout = storeTimeout;
            client.HeartbeatInterval = heartbeatInterval;
            client.ClusterConfigurator = static cluster => cluster.ConfigureTcp(static tcp => tcp.With(socketConfigurator: new Action<Socket>(NoticeSilence)));
        });
        builder.Services.AddSingleton(services => new ReadModels(
            services.GetService<IMongoDatabase>() ?? services.GetRequiredService<IMongoClient>().GetDatabase(DefaultDatabase)));
    }

    /// <summary>
    /// A store whose machine goes and comes back between two heartbeats never answers what was asked, nor does one behind a connection that
    /// something on the way has forgotten. The system finds out after two hours, or a quarter of one if it still has something to send, and so long
    /// a projector would wait, or whoever looks for an order. Now it is 11 s. A store that only takes long is there.
    /// </summary>
    private static void NoticeSilence(Socket socket)
    {
        const int idle = 5, interval = 2, probes = 3;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, idle);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, interval);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, probes);
        if (OperatingSystem.IsLinux()) socket.SetRawSocketOption((int)SocketOptionLevel.Tcp, LinuxUserTimeout, BitConverter.GetBytes((idle + (interval * probes)) * 1000));
    }
}
