using System.IO.Compression;
using System.Security.Cryptography;

namespace Shop.Queries.Dashboard;

/// <summary>A file of the page, in every form that a browser may ask for.</summary>
internal sealed class PageFile
{
    /// <summary>Best first.</summary>
    private static readonly (string Encoding, Func<byte[], byte[]> Encode)[] encodings =
    [
        ("br", content => Compress(content, stream => new BrotliStream(stream, CompressionLevel.Optimal))),
        ("gzip", content => Compress(content, stream => new GZipStream(stream, CompressionLevel.Optimal))),
    ];

    private readonly Dictionary<string, (byte[] Content, string EntityTag)> forms = [];

    public PageFile(string name, byte[] content)
    {
        ContentType = Path.GetExtension(name) switch
        {
            ".html" => "text/html; charset=utf-8",
            ".css" => "text/css; charset=utf-8",
            ".js" => "text/javascript; charset=utf-8",
            ".svg" => "image/svg+xml",
            var other => throw new InvalidOperationException($"The page has no files of the kind {other}."),
        };
        forms[""] = (content, EntityTag(content));
        foreach (var (encoding, encode) in encodings)
            if (encode(content) is { } encoded && encoded.Length < content.Length) forms[encoding] = (encoded, EntityTag(encoded));
    }

    public string ContentType { get; }

    /// <summary>What a browser that accepts these encodings gets.</summary>
    public (string Encoding, byte[] Content, string EntityTag) For(string acceptEncoding)
    {
        foreach (var (encoding, _) in encodings)
        {
            if (forms.TryGetValue(encoding, out var form) && acceptEncoding.Split(',').Any(accepted => accepted.AsSpan().Trim().Equals(encoding, StringComparison.Ordinal)))
                return (encoding, form.Content, form.EntityTag);
        }

        return ("", forms[""].Content, forms[""].EntityTag);
    }

    private static string EntityTag(byte[] content) => $"\"{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 8))}\"";

    private static byte[] Compress(byte[] content, Func<Stream, Stream> open)
    {
        using var compressed = new MemoryStream();
        using (var stream = open(compressed)) stream.Write(content);
        return compressed.ToArray();
    }
}
