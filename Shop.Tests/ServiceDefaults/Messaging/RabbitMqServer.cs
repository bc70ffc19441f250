using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Shop.Tests.ServiceDefaults.Messaging;

/// <summary>
/// A RabbitMQ node of its own with the AMQP 1.0 plugin, on free ports, with the queues that the client expects; skips the test where
/// RabbitMQ is not installed.
/// </summary>
public sealed class RabbitMqServer : IAsyncDisposable
{
    private const string Executable = "/usr/lib/rabbitmq/bin/rabbitmq-server";
    private const string User = "shop";

    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("shop-rabbitmq-");
    private readonly string password = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
    private readonly int port = ScriptedBroker.FreePort();
    private readonly int distributionPort = ScriptedBroker.FreePort();
    private readonly int epmdPort = ScriptedBroker.FreePort();
    private Process? process;

    public string ConnectionString => $"amqp://{User}:{password}@127.0.0.1:{port}";

    public static async Task<RabbitMqServer> StartAsync(CancellationToken cancellationToken)
    {
        Assert.SkipUnless(File.Exists(Executable), "RabbitMQ is not installed (apt-get install rabbitmq-server)");
        var server = new RabbitMqServer();
        await server.WriteConfigurationAsync(cancellationToken);
        await server.StartAgainAsync(cancellationToken);
        return server;
    }

    public async Task StartAgainAsync(CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(Executable) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["HOME"] = directory.FullName;
        start.Environment["RABBITMQ_NODENAME"] = $"shop{port}@localhost";
        start.Environment["RABBITMQ_MNESIA_BASE"] = InDirectory("mnesia");
        start.Environment["RABBITMQ_LOG_BASE"] = InDirectory("log");
        start.Environment["RABBITMQ_CONFIG_FILE"] = InDirectory("rabbitmq.conf");
        start.Environment["RABBITMQ_ENABLED_PLUGINS_FILE"] = InDirectory("plugins");
        start.Environment["RABBITMQ_CONF_ENV_FILE"] = "/dev/null";
        start.Environment["RABBITMQ_DIST_PORT"] = distributionPort.ToString(CultureInfo.InvariantCulture);
        start.Environment["ERL_EPMD_PORT"] = epmdPort.ToString(CultureInfo.InvariantCulture);
        start.Environment["ERL_EPMD_ADDRESS"] = "127.0.0.1";
        process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        await WaitForListenerAsync(cancellationToken);
    }

    public async Task KillAsync(CancellationToken cancellationToken)
    {
        if (process is not { } running) return;
        running.Kill(entireProcessTree: true);
        await running.WaitForExitAsync(cancellationToken);
        running.Dispose();
        process = null;
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync(CancellationToken.None);
        // The name daemon detaches itself from its node and would stay behind; it may need a moment to see that the node is gone.
        for (var attempt = 0; attempt < 20; attempt++)
        {
            using var epmd = Process.Start(new ProcessStartInfo("epmd", $"-port {epmdPort} -kill") { RedirectStandardOutput = true, RedirectStandardError = true })!;
            if ((await epmd.StandardOutput.ReadToEndAsync()).Contains("Killed", StringComparison.Ordinal)) break;
            await Task.Delay(TimeSpan.FromMilliseconds(100));
        }

        directory.Delete(recursive: true);
    }

    private string InDirectory(string name) => Path.Combine(directory.FullName, name);

    private async Task WaitForListenerAsync(CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(TimeSpan.FromSeconds(60));
        while (true)
        {
            using var probe = new TcpClient();
            try
            {
                await probe.ConnectAsync("127.0.0.1", port, deadline.Token);
                return;
            }
            catch (SocketException)
            {
                Assert.False(process!.HasExited, "RabbitMQ ended while it was starting");
                await Task.Delay(TimeSpan.FromMilliseconds(100), deadline.Token);
            }
        }
    }

    private async Task WriteConfigurationAsync(CancellationToken cancellationToken)
    {
        var salt = RandomNumberGenerator.GetBytes(4);
        var hash = Convert.ToBase64String([.. salt, .. SHA256.HashData([.. salt, .. Encoding.UTF8.GetBytes(password)])]);
        await File.WriteAllTextAsync(InDirectory("definitions.json"), $$"""
            {
              "vhosts": [{ "name": "/" }],
              "users": [{ "name": "{{User}}", "password_hash": "{{hash}}", "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": "" }],
              "permissions": [{ "user": "{{User}}", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*" }],
              "exchanges": [],
              "queues": [
                { "name": "shop-events.projector", "vhost": "/", "durable": true, "auto_delete": false, "arguments":
                  { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "shop-events.projector.dead-letter" } },
                { "name": "shop-events.projector.dead-letter", "vhost": "/", "durable": true, "auto_delete": false, "arguments": {} }
              ],
              "bindings": [
                { "source": "amq.topic", "vhost": "/", "destination": "shop-events.projector", "destination_type": "queue", "routing_key": "shop-events", "arguments": {} }
              ]
            }
            """, cancellationToken);
        await File.WriteAllTextAsync(
            InDirectory("rabbitmq.conf"), $"load_definitions = {InDirectory("definitions.json")}\nlisteners.tcp.local = 127.0.0.1:{port}\n", cancellationToken);
        await File.WriteAllTextAsync(InDirectory("plugins"), "[rabbitmq_amqp1_0].\n", cancellationToken);
    }
}
