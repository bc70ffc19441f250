using System.ComponentModel;
using System.Diagnostics;
using k8s;
using k8s.Models;
using Shop.Tests.Architecture;

namespace Shop.Tests.Deploy;

/// <summary>Every overlay, rendered and strictly read once for all the tests.</summary>
public sealed class Overlays : IAsyncLifetime
{
    private readonly Dictionary<string, Overlay> rendered = [];
    private bool hasKubectl = true;

    public Overlay this[string name]
    {
        get
        {
            if (!hasKubectl) Assert.Skip("kubectl is not installed; .ci/install-kubectl brings it.");
            return rendered[name];
        }
    }

    public async ValueTask InitializeAsync()
    {
        foreach (var folder in Directory.GetDirectories(Path.Combine(Repository.Root, "deploy/kubernetes/overlays")))
        {
            if (await RenderAsync(folder) is { } text) rendered[Path.GetFileName(folder)] = Overlay.Read(text);
            else hasKubectl = false;
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static async Task<string?> RenderAsync(string folder)
    {
        try
        {
            using var kubectl = Process.Start(new ProcessStartInfo("kubectl", ["kustomize", folder])
            {
                RedirectStandardOutput = true, RedirectStandardError = true,
            })!;
            var errors = kubectl.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            var text = await kubectl.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await kubectl.WaitForExitAsync(TestContext.Current.CancellationToken);
            return kubectl.ExitCode == 0 ? text : throw new InvalidOperationException(await errors);
        }
        catch (Win32Exception)
        {
            return null; // There is none; every test that needs it says so.
        }
    }
}

/// <param name="Text">What kustomize printed.</param>
/// <param name="Objects">The same, strictly read.</param>
public sealed record Overlay(string Text, IReadOnlyList<IKubernetesObject<V1ObjectMeta>> Objects)
{
    public static readonly string[] Services = ["commands", "projector", "queries"];

    public static Overlay Read(string text) =>
        new(text, [.. KubernetesYaml.LoadAllFromString(text, CustomResources.Types, strict: true).Cast<IKubernetesObject<V1ObjectMeta>>()]);

    public IEnumerable<T> All<T>() => Objects.OfType<T>();

    public T One<T>(string name) where T : IKubernetesObject<V1ObjectMeta> => Assert.Single(All<T>(), one => one.Metadata.Name == name);

    /// <summary>Every pod that the overlay starts, by the name it is selected by.</summary>
    public IReadOnlyDictionary<string, V1PodTemplateSpec> Pods => new[]
    {
        All<V1Deployment>().Select(one => one.Spec.Template), All<V1StatefulSet>().Select(one => one.Spec.Template),
        All<V1Job>().Select(one => one.Spec.Template),
    }.SelectMany(templates => templates).ToDictionary(template => template.Metadata.Labels["app.kubernetes.io/name"]);
}
