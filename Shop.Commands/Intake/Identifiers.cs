using System.Buffers;

namespace Shop.Commands.Intake;

internal static class Identifiers
{
    private const int MaxLength = 64;
    private static readonly SearchValues<char> Allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-");

    /// <summary>1-64 characters of <c>A-Z a-z 0-9 . _ : -</c>.</summary>
    public static bool IsValid(string value) => value.Length is >= 1 and <= MaxLength && !value.AsSpan().ContainsAnyExcept(Allowed);
}
