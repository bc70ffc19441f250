using k8s.Models;
using Shop.ServiceDefaults.Resilience;

namespace Shop.Tests.Deploy;

/// <summary>What keeps pods apart, how many there are, and how long a probe and a stop may take; object by object.</summary>
public sealed class ScalingTests(Overlays overlays) : IClassFixture<Overlays>
{
    [Theory, MemberData(nameof(PolicyTests.Names), MemberType = typeof(PolicyTests))]
    public void Pods_of_a_service_are_spread_over_zones_and_machines_without_waiting_for_them(string name) => Assert.All(Overlay.Services, service =>
    {
        var deployment = overlays[name].One<V1Deployment>(service).Spec;
        var labels = deployment.Template.Metadata.Labels;
        Assert.Equal(2, deployment.Template.Spec.TopologySpreadConstraints.Count);
        Assert.All(deployment.Template.Spec.TopologySpreadConstraints, constraint =>
        {
            Assert.Equal((1, "ScheduleAnyway"), (constraint.MaxSkew, constraint.WhenUnsatisfiable));
            Assert.All(constraint.LabelSelector.MatchLabels, label => Assert.Equal(label.Value, labels[label.Key]));
        });
    });

    [Theory, MemberData(nameof(PolicyTests.Names), MemberType = typeof(PolicyTests))]
    public void Every_service_and_every_budget_selects_pods_that_exist(string name)
    {
        var overlay = overlays[name];
        Assert.NotEmpty(overlay.All<V1Service>());
        Assert.All(overlay.All<V1Service>(), service =>
        {
            var pod = Assert.Single(overlay.Pods.Values, pod => service.Spec.Selector.All(label => pod.Metadata.Labels.TryGetValue(label.Key, out var value) && value == label.Value));
            var ports = pod.Spec.Containers[0].Ports;
            Assert.All(service.Spec.Ports, port => Assert.Contains(ports, open => open.Name == (port.TargetPort?.Value ?? port.Name) || $"{open.ContainerPort}" == port.TargetPort?.Value));
        });
        Assert.Equal(Overlay.Services, overlay.All<V1PodDisruptionBudget>().Select(budget => budget.Metadata.Name).Order(StringComparer.Ordinal));
        Assert.All(overlay.All<V1PodDisruptionBudget>(), budget =>
            Assert.Equal(overlay.One<V1Deployment>(budget.Metadata.Name).Spec.Selector.MatchLabels, budget.Spec.Selector.MatchLabels));
    }

    [Theory, MemberData(nameof(PolicyTests.Names), MemberType = typeof(PolicyTests))]
    public void A_probe_outlasts_what_it_asks_and_a_start_has_its_time(string name) => Assert.All(Overlay.Services, service =>
    {
        var container = overlays[name].Pods[service].Spec.Containers[0];
        Assert.True(container.ReadinessProbe.TimeoutSeconds > Pipelines.HealthBudget.TotalSeconds);
        // A minute and a half to start; half a minute and more without an answer until a process is taken for dead.
        Assert.True(container.StartupProbe.PeriodSeconds * container.StartupProbe.FailureThreshold >= 90);
        Assert.True(container.LivenessProbe.PeriodSeconds * container.LivenessProbe.FailureThreshold >= 30);
    });

    [Fact]
    public void Autoscalers_of_azure_scale_what_exists_between_two_and_a_limit_and_slowly_down()
    {
        var azure = overlays["azure"];
        Assert.All(azure.All<V2HorizontalPodAutoscaler>(), scaler =>
        {
            Assert.Equal(("apps/v1", "Deployment"), (scaler.Spec.ScaleTargetRef.ApiVersion, scaler.Spec.ScaleTargetRef.Kind));
            Assert.Contains("cpu", azure.Pods[scaler.Spec.ScaleTargetRef.Name].Spec.Containers[0].Resources.Requests.Keys);
            Assert.Equal(2, scaler.Spec.MinReplicas);
            Assert.True(scaler.Spec.MaxReplicas > 2);
            Assert.Equal("cpu", Assert.Single(scaler.Spec.Metrics).Resource.Name);
            Assert.Equal(300, scaler.Spec.Behavior.ScaleDown.StabilizationWindowSeconds);
        });
        var projector = Assert.Single(azure.All<ScaledObject>()).Spec;
        Assert.Equal((2, true), (projector.MinReplicaCount, projector.MaxReplicaCount > 2));
        Assert.Equal(300, projector.CooldownPeriod);
        Assert.Equal("azure-workload", azure.One<TriggerAuthentication>("projector").Spec.PodIdentity.Provider);
        Assert.All(projector.Triggers, trigger => Assert.True(double.Parse(trigger.Metadata.TryGetValue("messageCount", out var count) ? count : trigger.Metadata["threshold"], null) > 0));
    }

    [Fact]
    public void The_namespace_of_azure_admits_restricted_pods_only() =>
        Assert.Equal("restricted", Assert.Single(overlays["azure"].All<V1Namespace>()).Metadata.Labels["pod-security.kubernetes.io/enforce"]);

    [Theory, MemberData(nameof(PolicyTests.Names), MemberType = typeof(PolicyTests))]
    public void A_pod_may_write_into_a_small_tmp_and_nowhere_else(string name) => Assert.All(Overlay.Services.Append("migrate"), service =>
    {
        var pod = overlays[name].Pods[service].Spec;
        var mount = Assert.Single(Assert.Single(pod.Containers).VolumeMounts);
        Assert.Equal("/tmp", mount.MountPath);
        Assert.Equal("64Mi", Assert.Single(pod.Volumes, volume => volume.Name == mount.Name).EmptyDir.SizeLimit.ToString());
        Assert.Null(pod.InitContainers);
        Assert.NotEqual(true, pod.HostNetwork);
    });
}
