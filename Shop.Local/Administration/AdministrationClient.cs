using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Shop.Local.Administration;

/// <summary>HTTP to a service's administration port. What it refuses becomes a <see cref="LocalRunException"/> with its own words, and so does its silence.</summary>
internal sealed class AdministrationClient : IDisposable
{
    private readonly string service;
    private readonly HttpClient http;

    public AdministrationClient(string service, string adminUrl, string adminKey)
    {
        this.service = service;
        http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri(adminUrl), Timeout = TimeSpan.FromMinutes(5) };
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
