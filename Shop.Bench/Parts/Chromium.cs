using Microsoft.Playwright;
using Shop.Local;

namespace Shop.Bench.Parts;

/// <summary>The machine's own Chromium without a window, driven by Playwright, which downloads nothing.</summary>
internal sealed class Chromium : IAsyncDisposable
{
    public const string Missing = "Chromium is not installed: apt-get install chromium brings it.";

    private static readonly string[] places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    // It asks nobody for anything but the page: no updates, no suggestions, no other protocol than TCP.
    private static readonly string[] arguments =
        ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

    private readonly IPlaywright playwright;

    private Chromium(IPlaywright playwright, IBrowser browser) => (this.playwright, Browser) = (playwright, browser);

    public static bool IsInstalled => Path is not null;

    public IBrowser Browser { get; }

    private static string? Path => places.FirstOrDefault(File.Exists);

    /// <exception cref="LocalRunException">There is none.</exception>
    public static async Task<Chromium> StartAsync()
    {
        var path = Path ?? throw new LocalRunException(Missing);
        var playwright = await Playwright.CreateAsync();
        // Chromium's own sandbox refuses to work for root.
        return new(playwright, await playwright.Chromium.LaunchAsync(
            new() { ExecutablePath = path, Args = arguments, ChromiumSandbox = Environment.UserName != "root" && Environment.GetEnvironmentVariable("CI") is null }));
    }

    public async ValueTask DisposeAsync()
    {
        await Browser.DisposeAsync();
        playwright.Dispose();
    }
}
