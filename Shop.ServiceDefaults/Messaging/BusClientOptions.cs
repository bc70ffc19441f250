using System.Security.Cryptography.X509Certificates;
using Azure.Core;

namespace Shop.ServiceDefaults.Messaging;

/// <summary>How a <see cref="BusClient"/> behaves; the defaults suit Azure and the local broker.</summary>
public sealed class BusClientOptions
{
    public required ServiceBusConnectionString ConnectionString { get; set; }

    /// <summary>For a bare namespace; null means <c>DefaultAzureCredential</c>.</summary>
    public TokenCredential? Credential { get; set; }

    /// <summary>Roots that alone are trusted for TLS, such as a company's own; null means those of the machine. The name is checked either way.</summary>
    public X509Certificate2Collection? TrustedRoots { get; set; }

    /// <summary>Events (not batches) sent and not yet answered, per publisher; 1-5,000.</summary>
    public int MaxInFlight { get; set; } = 1000;

    /// <summary>Send small events together in the Service Bus batch format. RabbitMQ does not split such messages, so there it never happens.</summary>
    public bool UseBatches { get; set; } = true;

    /// <summary>A connection on which nothing at all arrives for this long is dead; the broker is asked for a sign of life twice as often.</summary>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>For one attempt to connect, authenticate and attach.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Sent events that the broker has not answered after this long are Unknown, and the connection is given up. Sending again is harmless, and a
    /// shard waits meanwhile: well below the 30 s within which the lag is to be normal again after a fault.</summary>
    public TimeSpan SendTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>First step of the exponential backoff between attempts to connect.</summary>
    public TimeSpan ReconnectDelay { get; set; } = TimeSpan.FromMilliseconds(200);

    public TimeSpan MaxReconnectDelay { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Pause after <c>com.microsoft:server-busy</c>; ten seconds is what Azure recommends.</summary>
    public TimeSpan ThrottleDelay { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a shared access signature is valid; it is renewed when three quarters of this have passed.</summary>
    public TimeSpan SignatureLifetime { get; set; } = TimeSpan.FromMinutes(20);

    /// <summary>Leave out the spans of the source <c>Shop.Messaging</c>.</summary>
    public bool DisableTracing { get; set; }
}

/// <summary>How an <see cref="EventReceiver"/> behaves.</summary>
public sealed class EventReceiverOptions
{
    /// <summary>Messages held at most: waiting to be taken plus taken and not yet settled; 1-2,000.</summary>
    public int Prefetch { get; set; } = 500;

    /// <summary>Read the subscription's dead-letter queue instead.</summary>
    public bool DeadLetterQueue { get; set; }

    /// <summary>Bodies that are larger than this once decompressed are a <see cref="ReceivedEvent.FormatError"/>.</summary>
    public int MaxDataBytes { get; set; } = 4 * 1024 * 1024;
}
