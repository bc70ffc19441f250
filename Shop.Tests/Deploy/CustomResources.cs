using k8s;
using k8s.Models;

namespace Shop.Tests.Deploy;

/// <summary>What the azure overlay uses of other people's resource types; a field that is not here fails the strict reading.</summary>
internal static class CustomResources
{
    public static Dictionary<string, Type> Types { get; } = new()
    {
        ["keda.sh/v1alpha1/ScaledObject"] = typeof(ScaledObject),
        ["keda.sh/v1alpha1/TriggerAuthentication"] = typeof(TriggerAuthentication),
        ["external-secrets.io/v1/SecretStore"] = typeof(SecretStore),
        ["external-secrets.io/v1/ExternalSecret"] = typeof(ExternalSecret),
    };
}

public abstract class CustomResource<TSpec> : IKubernetesObject<V1ObjectMeta>
{
    public string ApiVersion { get; set; } = "";
    public string Kind { get; set; } = "";
    public V1ObjectMeta Metadata { get; set; } = new();
    public required TSpec Spec { get; set; }
}

public sealed class NameReference
{
    public string? ApiVersion { get; set; }
    public string? Kind { get; set; }
    public string Name { get; set; } = "";
}

public sealed class ScaledObject : CustomResource<ScaledObjectSpec>;

public sealed class ScaledObjectSpec
{
    public NameReference ScaleTargetRef { get; set; } = new();
    public int PollingInterval { get; set; }
    public int CooldownPeriod { get; set; }
    public int MinReplicaCount { get; set; }
    public int MaxReplicaCount { get; set; }
    public List<ScaleTrigger> Triggers { get; set; } = [];
}

public sealed class ScaleTrigger
{
    public string Type { get; set; } = "";
    public string? MetricType { get; set; }
    public Dictionary<string, string> Metadata { get; set; } = [];
    public NameReference? AuthenticationRef { get; set; }
}

public sealed class TriggerAuthentication : CustomResource<TriggerAuthenticationSpec>;

public sealed class TriggerAuthenticationSpec
{
    public PodIdentity PodIdentity { get; set; } = new();
}

public sealed class PodIdentity
{
    public string Provider { get; set; } = "";
}

public sealed class SecretStore : CustomResource<SecretStoreSpec>;

public sealed class SecretStoreSpec
{
    public SecretStoreProvider Provider { get; set; } = new();
}

public sealed class SecretStoreProvider
{
    public KeyVaultProvider Azurekv { get; set; } = new();
}

public sealed class KeyVaultProvider
{
    public string AuthType { get; set; } = "";
    public string VaultUrl { get; set; } = "";
    public NameReference ServiceAccountRef { get; set; } = new();
}

public sealed class ExternalSecret : CustomResource<ExternalSecretSpec>;

public sealed class ExternalSecretSpec
{
    public string RefreshInterval { get; set; } = "";
    public NameReference SecretStoreRef { get; set; } = new();
    public ExternalSecretTarget Target { get; set; } = new();
    public List<ExternalSecretData> Data { get; set; } = [];
}

public sealed class ExternalSecretTarget
{
    public string Name { get; set; } = "";
    public string CreationPolicy { get; set; } = "";
}

public sealed class ExternalSecretData
{
    public string SecretKey { get; set; } = "";
    public RemoteReference RemoteRef { get; set; } = new();
}

public sealed class RemoteReference
{
    public string Key { get; set; } = "";
}
