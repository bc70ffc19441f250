using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Shop.Contracts.Views;

namespace Shop.Queries.Customers;

/// <summary>Which orders of a customer are listed; a cursor is valid for exactly the question it came with.</summary>
internal sealed record HistoryFilter(string CustomerId, string? Status, DateTimeOffset? From, DateTimeOffset? To);

/// <summary>
/// The last order of a page, sealed: base64url of (format, date in ms, order id, HMAC-SHA256 cut to 128 bits). The seal covers the
/// filter too, so a cursor can neither be made up nor carried over to another customer or another question.
/// </summary>
internal sealed record HistoryCursor(DateTimeOffset OrderDate, string OrderId)
{
    /// <summary>Longer texts are not looked at.</summary>
    public const int MaxLength = 160;

    private const byte Format = 1;
    private const int HeaderSize = 1 + sizeof(long);
    private const int SealSize = 16;

    public static string Seal(OrderDocument last, HistoryFilter filter, ReadOnlySpan<byte> key)
    {
        var size = HeaderSize + Encoding.UTF8.GetByteCount(last.Id);
        var bytes = new byte[size + SealSize];
        bytes[0] = Format;
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(1), last.OrderDate.ToUnixTimeMilliseconds());
        Encoding.UTF8.GetBytes(last.Id, bytes.AsSpan(HeaderSize));
        SealOf(bytes.AsSpan(0, size), filter, key).CopyTo(bytes.AsSpan(size));
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>Null for anything that <see cref="Seal"/> did not make with the same key for the same filter.</summary>
    public static HistoryCursor? Open(string text, HistoryFilter filter, ReadOnlySpan<byte> key)
    {
        if (text.Length > MaxLength || !Base64Url.IsValid(text)) return null;
        var bytes = Base64Url.DecodeFromChars(text);
        var size = bytes.Length - SealSize;
        if (size <= HeaderSize || bytes[0] != Format) return null;
        if (!CryptographicOperations.FixedTimeEquals(SealOf(bytes.AsSpan(0, size), filter, key), bytes.AsSpan(size))) return null;
        return new(
            DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(1))),
            Encoding.UTF8.GetString(bytes.AsSpan(HeaderSize, size - HeaderSize)));
    }

    private static ReadOnlySpan<byte> SealOf(ReadOnlySpan<byte> position, HistoryFilter filter, ReadOnlySpan<byte> key)
    {
        // No identifier and no status contains a line feed, so different filters never read the same.
        var question = FormattableString.Invariant(
            $"\n{filter.CustomerId}\n{filter.Status}\n{filter.From?.UtcTicks}\n{filter.To?.UtcTicks}");
        byte[] sealedText = [.. position, .. Encoding.UTF8.GetBytes(question)];
        return HMACSHA256.HashData(key, sealedText).AsSpan(0, SealSize);
    }
}
