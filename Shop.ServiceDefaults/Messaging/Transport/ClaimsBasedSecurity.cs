using Amqp;
using Azure.Core;
using Microsoft.Extensions.Logging;

namespace Shop.ServiceDefaults.Messaging.Transport;

/// <summary>Puts tokens to <c>$cbs</c>: a shared access signature made here, or an Entra ID token; renewed while the connection lives.</summary>
internal sealed class ClaimsBasedSecurity(BusClientOptions options, TimeProvider time, ILogger logger)
{
    private const string TokenScope = "https://servicebus.azure.net/.default";
    private static readonly TimeSpan EntraMargin = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan ShortestRenewal = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(5);

    private readonly TokenCredential? credential = options.ConnectionString is { SharedAccessKey: null, UseDevelopmentEmulator: false, Dialect: BusDialect.ServiceBus }
        ? options.Credential ?? new global::Azure.Identity.DefaultAzureCredential()
        : null;

    /// <summary>Whether the broker wants a token at all.</summary>
    private bool IsNeeded => options.ConnectionString is { Dialect: BusDialect.ServiceBus } target && (target.SharedAccessKey is not null || credential is not null);

    /// <summary>Authorises the connection for <paramref name="entity"/> and keeps it so until the connection or <paramref name="lifetime"/> ends.</summary>
    /// <exception cref="UnauthorizedAccessException">The broker does not take the token.</exception>
    public async Task AuthorizeAsync(AmqpConnection connection, string entity, CancellationToken cancellationToken, CancellationToken lifetime)
    {
        if (!IsNeeded) return;
        var link = await AmqpRequestLink.AttachAsync(connection, "$cbs", cancellationToken);
        var renewAt = await PutTokenAsync(link, entity, cancellationToken);
        _ = RenewAsync(connection, link, entity, renewAt, lifetime);
    }

    private async Task RenewAsync(AmqpConnection connection, AmqpRequestLink link, string entity, DateTimeOffset renewAt, CancellationToken lifetime)
    {
        while (true)
        {
            var wait = renewAt - time.GetUtcNow();
            var delay = Task.Delay(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, time, lifetime);
            if (await Task.WhenAny(delay, connection.Closed) != delay || delay.IsCanceled) return;
            try
            {
                renewAt = await PutTokenAsync(link, entity, lifetime).WaitAsync(options.ConnectTimeout, time, lifetime);
                MessagingLog.TokenRenewed(logger, entity, renewAt);
            }
            catch (OperationCanceledException) when (lifetime.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception) when (AmqpConnection.IsOutage(exception) && !connection.Closed.IsCompleted)
            {
                // Until the old token ends there is time to try again; then the broker detaches and the reconnect takes over.
                MessagingLog.TokenNotRenewed(logger, entity, AmqpConnection.Describe(exception));
                renewAt = time.GetUtcNow() + RetryDelay;
            }
            catch (Exception exception) when (AmqpConnection.IsOutage(exception))
            {
                return;
            }
        }
    }

    private async Task<DateTimeOffset> PutTokenAsync(AmqpRequestLink link, string entity, CancellationToken cancellationToken)
    {
        var target = options.ConnectionString;
        var audience = $"sb://{target.Host}/{entity}";
        var (token, type, expires, renewAt) = await CreateTokenAsync(audience, cancellationToken);
        var request = new Message(token)
        {
            ApplicationProperties = new()
            {
                ["operation"] = "put-token",
                ["type"] = type,
                ["name"] = audience,
                ["expiration"] = expires.UtcDateTime,
            },
        };
        var (status, description, _) = await link.RequestAsync(request, cancellationToken);
        return status is 200 or 202
            ? renewAt
            : throw new UnauthorizedAccessException($"The broker refused the token for {entity}: {status} {description}");
    }

    private async ValueTask<(string Token, string Type, DateTimeOffset Expires, DateTimeOffset RenewAt)> CreateTokenAsync(
        string audience, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (credential is not null)
        {
            var token = await credential.GetTokenAsync(new TokenRequestContext([TokenScope]), cancellationToken);
            // A credential may hand out a cached token that is about to end; asking again at once would be a busy loop.
            var renewAt = token.ExpiresOn - EntraMargin;
            var soonest = now + ShortestRenewal;
            return (token.Token, "jwt", token.ExpiresOn, renewAt > soonest ? renewAt : soonest);
        }

        var expires = now + options.SignatureLifetime;
        var signature = SharedAccessSignature.Create(
            audience, options.ConnectionString.SharedAccessKeyName!, options.ConnectionString.SharedAccessKey!, expires);
        return (signature, "servicebus.windows.net:sastoken", expires, now + options.SignatureLifetime * 0.75);
    }
}
