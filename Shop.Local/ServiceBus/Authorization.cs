using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Shop.Local.ServiceBus;

/// <summary>Verifies shared access signatures: <c>sig = base64(HMAC-SHA256(key, sr + "\n" + se))</c> over the URL-encoded resource.</summary>
internal sealed class TokenVerifier(string keyName, string key, TimeProvider time)
{
    private const string Scheme = "SharedAccessSignature ";

    /// <summary>Whether a SASL PLAIN login names the key and proves it.</summary>
    public bool IsKey(string name, string password) =>
        name == keyName && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(password), Encoding.UTF8.GetBytes(key));

    /// <summary>The path that the token opens and until when; otherwise null and why not.</summary>
    public (string Path, DateTime Until)? Verify(string token, out string refusal)
    {
        refusal = "InvalidSignature: The token has an invalid signature.";
        if (!token.StartsWith(Scheme, StringComparison.Ordinal))
        {
            refusal = "Only shared access signatures are accepted here.";
            return null;
        }

        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var field in token[Scheme.Length..].Split('&'))
        {
            var separator = field.IndexOf('=', StringComparison.Ordinal);
            if (separator > 0) fields[field[..separator]] = field[(separator + 1)..];
        }

        if (!fields.TryGetValue("sr", out var resource) || !fields.TryGetValue("se", out var expiry) || !fields.TryGetValue("sig", out var signature)
            || WebUtility.UrlDecode(fields.GetValueOrDefault("skn")) != keyName
            || !long.TryParse(expiry, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || seconds > 253402300799)
            return null;
        var expected = Convert.ToBase64String(HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes($"{resource}\n{expiry}")));
        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(WebUtility.UrlDecode(signature)), Encoding.UTF8.GetBytes(expected))) return null;
        var until = DateTimeOffset.FromUnixTimeSeconds(seconds).UtcDateTime;
        if (until <= time.GetUtcNow().UtcDateTime)
        {
            refusal = "ExpiredToken: The token is expired.";
            return null;
        }

        return (Authorization.PathOf(WebUtility.UrlDecode(resource)), until);
    }
}

/// <summary>What one connection may do. Without a verifier that is everything.</summary>
internal sealed class Authorization(TokenVerifier? verifier, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, DateTime> tokens = new(StringComparer.OrdinalIgnoreCase);
    private long latest;

    public bool HasFullAccess { get; set; } = verifier is null;

    /// <summary>Takes a token from $cbs; false with the reason when it is not good.</summary>
    public bool TryAccept(string token, out string refusal)
    {
        refusal = "";
        if (verifier is null) return true;
        if (verifier.Verify(token, out refusal) is not { } granted) return false;
        tokens[granted.Path] = granted.Until;
        Volatile.Write(ref latest, tokens.Values.Max().Ticks);
        return true;
    }

    /// <summary>Whether a token opens this entity, itself or a path above it.</summary>
    public bool Allows(string address)
    {
        if (HasFullAccess) return true;
        var now = time.GetUtcNow().UtcDateTime;
        foreach (var (path, until) in tokens)
        {
            if (until > now && (path.Length == 0 || address.Equals(path, StringComparison.OrdinalIgnoreCase)
                || address.StartsWith(path + "/", StringComparison.OrdinalIgnoreCase)))
                return true;
        }

        return false;
    }

    /// <summary>Whether the last of the connection's tokens has run out.</summary>
    public bool IsExpired(DateTime now) => !HasFullAccess && Volatile.Read(ref latest) <= now.Ticks;

    public bool IsExpired() => !HasFullAccess && IsExpired(time.GetUtcNow().UtcDateTime);

    /// <summary>The entity's path within <c>sb://host/path</c>, <c>amqps://...</c> or a bare path.</summary>
    public static string PathOf(string address)
    {
        var scheme = address.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0) return address.Trim('/');
        var path = address.IndexOf('/', scheme + 3);
        return path < 0 ? "" : address[path..].Trim('/');
    }
}
