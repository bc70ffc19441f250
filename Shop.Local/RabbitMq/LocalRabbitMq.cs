using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using Shop.Local.Supervision;

namespace Shop.Local.RabbitMq;

/// <summary>
/// A RabbitMQ node of its own (the installed one's program, nothing of its data) with the AMQP 1.0 plugin, on loopback, with the queues of a
/// shop declared. A real broker that somebody else wrote: a reference for benchmarks and tests, not a part of <c>./shop up</c>.
/// </summary>
public sealed class LocalRabbitMq : IAsyncDisposable
{
    private const string Executable = "/usr/lib/rabbitmq/bin/rabbitmq-server";
    private const string User = "shop";
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);

    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("shop-rabbitmq-");
    private readonly string password = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
    private readonly bool quorum;
    private readonly int distributionPort = FreePort.Next();
    private readonly int epmdPort = FreePort.Next();
    private Process? process;

    private LocalRabbitMq(int port, bool quorum) => (Port, this.quorum) = (port, quorum);

    /// <summary>Whether Debian's <c>rabbitmq-server</c> is installed.</summary>
    public static bool IsInstalled => File.Exists(Executable);

    public int Port { get; }

    /// <summary>Such as <c>./shop demo --servicebus</c> takes.</summary>
    public string ConnectionString => $"amqp://{User}:{password}@127.0.0.1:{Port}";

    /// <summary>Starts a node in a throw-away directory; it takes connections when this returns.</summary>
    /// <param name="port">0 takes a free one.</param>
    /// <param name="quorum">Quorum queues write to disk (fsync) before a message is acknowledged; classic ones do so later.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="LocalRunException">It is not installed or does not start.</exception>
    public static async Task<LocalRabbitMq> StartAsync(int port, bool quorum, CancellationToken cancellationToken)
    {
        if (!IsInstalled) throw new LocalRunException("RabbitMQ is not installed (apt-get install rabbitmq-server).");
        var server = new LocalRabbitMq(port == 0 ? FreePort.Next() : port, quorum);
        try
        {
            await server.ConfigureAsync(cancellationToken);
            await server.StartAgainAsync(cancellationToken);
            return server;
        }
        catch (Exception exception) when (exception is LocalRunException or OperationCanceledException)
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>After <see cref="KillAsync"/>: the same node with what it had kept.</summary>
    public async Task StartAgainAsync(CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(Executable) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["HOME"] = directory.FullName;
        start.Environment["RABBITMQ_NODENAME"] = $"shop{Port}@localhost";
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

    /// <summary>SIGKILL to the node and everything it started.</summary>
    public async Task KillAsync(CancellationToken cancellationToken)
    {
        if (process is not { } running) return;
        running.Kill(entireProcessTree: true);
        await running.WaitForExitAsync(cancellationToken);
        running.Dispose();
        process = null;
    }

    /// <summary>Ends the node and deletes its files.</summary>
    public async ValueTask DisposeAsync()
    {
        await KillAsync(CancellationToken.None);
        // The name daemon detaches itself from its node and would stay behind; it may need a moment to see that the node is gone.
        for (var attempt = 0; attempt < 20; attempt++)
        {
            using var epmd = Process.Start(new ProcessStartInfo("epmd", $"-port {epmdPort} -kill") { RedirectStandardOutput = true, RedirectStandardError = true })!;
            if ((await epmd.StandardOutput.ReadToEndAsync()).Contains("Killed", StringComparison.Ordinal)) break;
            await Task.Delay(Step);
        }

        directory.Delete(recursive: true);
    }

    private string InDirectory(string name) => Path.Combine(directory.FullName, name);

    private async Task WaitForListenerAsync(CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            using var probe = new TcpClient();
            try
            {
                await probe.ConnectAsync("127.0.0.1", Port, cancellationToken);
                return;
            }
            catch (SocketException)
            {
                if (process!.HasExited) throw new LocalRunException("RabbitMQ ended while it was starting.");
                if (TimeProvider.System.GetElapsedTime(started) > StartDeadline) throw new LocalRunException($"RabbitMQ did not start within {StartDeadline}.");
                await Task.Delay(Step, cancellationToken);
            }
        }
    }

    private async Task ConfigureAsync(CancellationToken cancellationToken)
    {
        await File.WriteAllTextAsync(InDirectory("definitions.json"), RabbitMqDefinitions.Write(quorum, User, password), cancellationToken);
        await File.WriteAllTextAsync(
            InDirectory("rabbitmq.conf"), $"load_definitions = {InDirectory("definitions.json")}\nlisteners.tcp.local = 127.0.0.1:{Port}\n", cancellationToken);
        await File.WriteAllTextAsync(InDirectory("plugins"), "[rabbitmq_amqp1_0].\n", cancellationToken);
    }
}
