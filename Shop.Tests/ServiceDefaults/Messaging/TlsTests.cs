using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Shop.Local.ServiceBus;
using Shop.ServiceDefaults.Messaging;

namespace Shop.Tests.ServiceDefaults.Messaging;

public sealed class TlsTests : IAsyncLifetime
{
    private const string Key = "c2VjcmV0LWtleS1mb3ItdGVzdHM=";
    private readonly X509Certificate2 certificate = SelfSigned();
    private BrokerServer broker = null!;
    private FreezableProxy tls = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        broker = await BrokerServer.StartAsync(new BrokerOptions { SharedAccessKeyName = "Root", SharedAccessKey = Key }, Token);
        tls = new FreezableProxy(broker.Port, certificate);
    }

    public async ValueTask DisposeAsync()
    {
        await tls.DisposeAsync();
        await broker.DisposeAsync();
        certificate.Dispose();
    }

    [Fact]
    public async Task Over_TLS_with_a_root_that_is_trusted_everything_works_signatures_included()
    {
        await using var client = Client([certificate]);
        Assert.True(client.Options.ConnectionString.UseTls);
        var publisher = client.CreatePublisher("shop-events");
        var receiver = client.CreateReceiver("shop-events", "projector");

        await TestEvents.PublishAllAsync(publisher, TestEvents.Range(0, 500), Token);
        var received = await TestEvents.ReceiveAsync(receiver, 500, Token);
        await receiver.CompleteAsync(received, Token);

        Assert.Equal(Enumerable.Range(0, 500), received.Select(TestEvents.Number));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_certificate_that_is_not_trusted_is_refused(bool trustsAnother)
    {
        using var another = SelfSigned();
        await using var client = Client(trustsAnother ? [another] : null);
        var publisher = client.CreatePublisher("shop-events");

        await TestEvents.UntilAsync(() => publisher.State.LastError is not null, Token);

        Assert.Contains("certificate", publisher.State.LastError, StringComparison.OrdinalIgnoreCase);
        Assert.NotEqual(BusConnection.Connected, publisher.State.Connection);
    }

    private BusClient Client(X509Certificate2Collection? roots)
    {
        var options = TestEvents.Options($"Endpoint=sb://localhost:{tls.Port};SharedAccessKeyName=Root;SharedAccessKey={Key}");
        options.TrustedRoots = roots;
        return new BusClient(options);
    }

    private static X509Certificate2 SelfSigned()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }
}
