using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Shop.ServiceDefaults.Messaging.Transport;

/// <summary>Service Bus shared access signatures: https://learn.microsoft.com/azure/service-bus-messaging/service-bus-sas</summary>
internal static class SharedAccessSignature
{
    /// <param name="resource">What the token is for, such as <c>sb://name.servicebus.windows.net/shop-events</c>.</param>
    /// <param name="keyName">Name of the shared access policy.</param>
    /// <param name="key">The policy's key, used as UTF-8 text just as it stands in the connection string.</param>
    /// <param name="expiry">End of validity; cut to seconds.</param>
    public static string Create(string resource, string keyName, string key, DateTimeOffset expiry)
    {
        var encoded = WebUtility.UrlEncode(resource);
        var seconds = expiry.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var signature = Convert.ToBase64String(HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes($"{encoded}\n{seconds}")));
        return $"SharedAccessSignature sr={encoded}&sig={WebUtility.UrlEncode(signature)}&se={seconds}&skn={WebUtility.UrlEncode(keyName)}";
    }
}
