using System.Security.Cryptography;
using System.Text.Json;
using Shop.Contracts.Commands;

namespace Shop.Commands.Deciding;

/// <summary>Tells whether two commands say the same.</summary>
internal static class CommandHash
{
    /// <summary>
    /// SHA-256 over the command's canonical JSON without its <c>commandId</c>. Property order, white space and trailing zeros of prices do not
    /// matter; a timestamp that was not given is not part of it, so a retry that leaves it to the server's clock is still the same command.
    /// </summary>
    public static byte[] Of(Command command) =>
        SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(command with { CommandId = null }, CommandJson.Default.Command));
}
