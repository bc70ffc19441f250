using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Shop.Local.Administration;

/// <summary>HTTP to a service's administration port. What it refuses becomes a <see cref="LocalRunException"/> with its own words, and so does its silence.</summary>
internal sealed class AdministrationClient : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private readonly string service;
    private readonly HttpClient http;

    /// <param name="service">Its name, for messages.</param>
    /// <param name="adminUrl">Its administration address.</param>
    /// <param name="adminKey">Its key.</param>
    /// <param name="patience">How long an answer may take; null: five minutes.</param>
    public AdministrationClient(string service, string adminUrl, string adminKey, TimeSpan? patience = null)
    {
        this.service = service;
        http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri(adminUrl), Timeout = patience ?? Patience };
        http.DefaultRequestHeaders.Add("X-Admin-Key", adminKey);
    }

    public async Task<T> SendAsync<T>(HttpMethod method, string path, JsonTypeInfo<T> json, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path);
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
        return await response.Content.ReadFromJsonAsync(json, cancellationToken) ?? throw new LocalRunException($"{service} answered nothing.");
    }

    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, HttpCompletionOption completion, CancellationToken cancellationToken)
    {
        HttpResponseMessage response;
        try
        {
            response = await http.SendAsync(request, completion, cancellationToken);
        }
        catch (HttpRequestException exception)
        {
            throw new LocalRunException($"{service} does not answer: {exception.Message}", exception);
        }
        catch (TaskCanceledException exception) when (exception.InnerException is TimeoutException)
        {
            throw new LocalRunException($"{service} has not answered for {http.Timeout.TotalSeconds:0} s; what it was asked for may still be done.", exception);
        }

        if (response.IsSuccessStatusCode) return response;
        using (response) throw new LocalRunException(await DetailAsync(response, cancellationToken));
    }

    public void Dispose() => http.Dispose();

    private async Task<string> DetailAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var body = await response.Content.ReadAsStringAsync(cancellationToken);
        try
        {
            using var problem = JsonDocument.Parse(body);
            if (problem.RootElement.TryGetProperty("detail", out var detail) && detail.GetString() is { Length: > 0 } text) return text;
        }
        catch (JsonException exception)
        {
            throw new LocalRunException($"{service} answered {(int)response.StatusCode}.", exception);
        }

        return $"{service} answered {(int)response.StatusCode}.";
    }
}
