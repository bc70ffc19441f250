using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Shop.Contracts.Commands;

namespace Shop.Local.Verbs;

/// <summary>The example of the README: a customer, two products, one order, and the document that the query side answers.</summary>
internal static class DemoOrder
{
    private const string OrderId = "ORD12345";
    private static readonly TimeSpan VisibleWithin = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(2);
    private static readonly JsonWriterOptions Readable = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly Command[] Preparation =
    [
        new RegisterCustomer("CUST987", "Alice Smith"), new AddProduct("PROD001", "Widget", 10.50m), new AddProduct("PROD002", "Gadget", 25.00m),
    ];

    private static readonly Command Order = new PlaceOrder(OrderId, "CUST987", [new("PROD001", 2, 10.50m), new("PROD002", 1, 25.00m)])
    {
        Timestamp = new DateTimeOffset(2023, 10, 27, 10, 0, 0, TimeSpan.Zero),
    };

    /// <exception cref="LocalRunException">A command was refused, or the order did not arrive.</exception>
    public static async Task RunAsync(string commandsUrl, string queriesUrl, CancellationToken cancellationToken)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        foreach (var command in Preparation) await SendAsync(http, commandsUrl, command, cancellationToken);
        // Before the order, so that the time measured is the system's and not that of the first connection.
        (await http.GetAsync(new Uri($"{queriesUrl}/orders/{OrderId}"), cancellationToken)).Dispose();

        await SendAsync(http, commandsUrl, Order, cancellationToken);
        var committed = TimeProvider.System.GetTimestamp();
        var document = await WaitForOrderAsync(http, queriesUrl, cancellationToken);
        var elapsed = TimeProvider.System.GetElapsedTime(committed).TotalMilliseconds;

        Console.WriteLine($"GET /orders/{OrderId}");
        Console.WriteLine(Indent(document));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"From the commit in PostgreSQL to the document in the read model: {elapsed:0.0} ms."));
    }

    private static async Task SendAsync(HttpClient http, string commandsUrl, Command command, CancellationToken cancellationToken)
    {
        using var response = await http.PostAsJsonAsync(new Uri(commandsUrl + "/commands"), command, CommandJson.Default.Command, cancellationToken);
        var body = await response.Content.ReadAsStringAsync(cancellationToken);
        if (!response.IsSuccessStatusCode) throw new LocalRunException($"{command.GetType().Name} was answered with {(int)response.StatusCode}: {body}");
        Console.WriteLine($"POST /commands {command.GetType().Name} -> {(int)response.StatusCode} {body}");
    }

    private static async Task<string> WaitForOrderAsync(HttpClient http, string queriesUrl, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(began) < VisibleWithin)
        {
            using var response = await http.GetAsync(new Uri($"{queriesUrl}/orders/{OrderId}"), cancellationToken);
            if (response.StatusCode == HttpStatusCode.OK) return await response.Content.ReadAsStringAsync(cancellationToken);
            if (response.StatusCode != HttpStatusCode.NotFound)
                throw new LocalRunException($"GET /orders/{OrderId} was answered with {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancellationToken)}");
            await Task.Delay(Step, cancellationToken);
        }

        throw new LocalRunException($"The order was committed, but not in the read model after {VisibleWithin.TotalSeconds:0} s.");
    }

    private static string Indent(string json)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Readable)) JsonNode.Parse(json)!.WriteTo(writer);
        return System.Text.Encoding.UTF8.GetString(buffer.ToArray());
    }
}
