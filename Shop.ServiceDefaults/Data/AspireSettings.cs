using Microsoft.Extensions.Configuration;

namespace Shop.ServiceDefaults.Data;

/// <summary>
/// How Aspire's client integrations read their settings: the integration's section, over it the section's child named like the
/// connection, over it <c>ConnectionStrings:NAME</c>, over it what the code says.
/// </summary>
internal static class AspireSettings
{
    public static TSettings Read<TSettings>(
        IConfiguration configuration, string section, string name, Action<TSettings, string> setConnectionString, Action<TSettings>? configure)
        where TSettings : class, new()
    {
        var settings = new TSettings();
        configuration.GetSection(section).Bind(settings);
        configuration.GetSection($"{section}:{name}").Bind(settings);
        if (configuration.GetConnectionString(name) is { Length: > 0 } connectionString) setConnectionString(settings, connectionString);
        configure?.Invoke(settings);
        return settings;
    }

    public static InvalidOperationException Missing(string name, string section) =>
        new($"ConnectionString is missing. It should be provided in 'ConnectionStrings:{name}' or under the 'ConnectionString' key in '{section}' or '{section}:{name}' configuration section.");
}
