using k8s.Models;
using Shop.ServiceDefaults.Resilience;
using Shop.Tests.Architecture;

namespace Shop.Tests.Deploy;

public sealed class PolicyTests(Overlays overlays) : IClassFixture<Overlays>
{
    public static readonly TheoryData<string> Names = ["dev", "azure"];

    // Their vendors' images write to their own root file system.
    private static readonly string[] writableRoots = ["servicebus", "servicebus-sql"];

    [Theory, MemberData(nameof(Names))]
    public void Every_object_is_strictly_what_its_type_says_and_lives_in_the_namespace(string name)
    {
        var overlay = overlays[name];
        Assert.Equal(overlay.Text.Split("\n---\n").Length, overlay.Objects.Count);
        var space = Assert.Single(overlay.All<V1Namespace>()).Metadata.Name;
        Assert.All(overlay.Objects.Where(one => one is not V1Namespace), one => Assert.Equal(space, one.Metadata.NamespaceProperty));
    }

    [Fact]
    public void A_misspelt_field_is_refused()
    {
        var text = overlays["azure"].Text;
        Assert.ThrowsAny<Exception>(() => Overlay.Read(text.Replace("readOnlyRootFilesystem", "readonlyRootFilesystem", StringComparison.Ordinal)));
        Assert.ThrowsAny<Exception>(() => Overlay.Read(text.Replace("pollingInterval", "pollInterval", StringComparison.Ordinal)));
    }

    [Theory, MemberData(nameof(Names))]
    public void No_pod_has_more_rights_than_it_needs(string name)
    {
        var overlay = overlays[name];
        Assert.All(overlay.Pods, pod =>
        {
            var security = pod.Value.Spec.SecurityContext;
            Assert.True(security.RunAsNonRoot);
            Assert.True(security.RunAsUser > 0);
            Assert.Equal("RuntimeDefault", security.SeccompProfile.Type);
            Assert.All(pod.Value.Spec.Containers, container =>
            {
                Assert.False(container.SecurityContext.AllowPrivilegeEscalation);
                Assert.Equal(!writableRoots.Contains(pod.Key), container.SecurityContext.ReadOnlyRootFilesystem);
                Assert.Equal(["ALL"], container.SecurityContext.Capabilities.Drop);
                Assert.Null(container.SecurityContext.Capabilities.Add);
            });
        });
    }

    [Theory, MemberData(nameof(Names))]
    public void No_pod_is_given_a_token_of_the_cluster(string name)
    {
        var overlay = overlays[name];
        Assert.All(overlay.Pods, pod => Assert.False(pod.Value.Spec.AutomountServiceAccountToken));
        Assert.All(overlay.All<V1ServiceAccount>(), account => Assert.False(account.AutomountServiceAccountToken));
        Assert.All(overlay.Pods, pod => overlay.One<V1ServiceAccount>(pod.Value.Spec.ServiceAccountName));
        Assert.All(Overlay.Services, service => Assert.Equal(service, overlay.Pods[service].Spec.ServiceAccountName));
    }

    [Theory, MemberData(nameof(Names))]
    public void Every_container_has_a_pinned_image_and_resources(string name) => Assert.All(overlays[name].Pods, pod =>
        Assert.All(pod.Value.Spec.Containers, container =>
        {
            Assert.Matches(@":[\w.-]+$", container.Image);
            Assert.DoesNotContain(":latest", container.Image, StringComparison.Ordinal);
            Assert.Contains("cpu", container.Resources.Requests.Keys);
            Assert.Contains("memory", container.Resources.Requests.Keys);
            Assert.Contains("memory", container.Resources.Limits.Keys);
        }));

    [Theory, MemberData(nameof(Names))]
    public void Every_service_has_its_three_probes(string name) => Assert.All(Overlay.Services, service =>
    {
        var container = Assert.Single(overlays[name].Pods[service].Spec.Containers);
        Assert.Equal("/alive", container.StartupProbe.HttpGet.Path);
        Assert.Equal("/health", container.ReadinessProbe.HttpGet.Path);
        Assert.Equal("/alive", container.LivenessProbe.HttpGet.Path);
        Assert.All(new[] { container.StartupProbe, container.ReadinessProbe, container.LivenessProbe },
            probe => Assert.Equal("http", probe.HttpGet.Port.Value));
        Assert.Contains(container.Ports, port => port is { Name: "http", ContainerPort: 8080 });
    });

    [Theory, MemberData(nameof(Names))]
    public void A_pod_has_time_to_drain(string name) => Assert.All(Overlay.Services, service =>
    {
        var pod = overlays[name].Pods[service].Spec;
        var beforeStop = pod.Containers[0].Lifecycle.PreStop.Sleep.Seconds;
        Assert.True(pod.TerminationGracePeriodSeconds > beforeStop + Pipelines.ShutdownBudget.TotalSeconds);
    });

    [Theory, MemberData(nameof(Names))]
    public void A_rolling_upgrade_takes_nobody_away_first(string name) => Assert.All(Overlay.Services, service =>
    {
        var spec = overlays[name].One<V1Deployment>(service).Spec;
        Assert.Equal("RollingUpdate", spec.Strategy.Type);
        Assert.Equal("0", spec.Strategy.RollingUpdate.MaxUnavailable.Value);
        var budget = overlays[name].One<V1PodDisruptionBudget>(service).Spec;
        Assert.Equal("1", budget.MaxUnavailable.Value);
        Assert.Equal(spec.Selector.MatchLabels, budget.Selector.MatchLabels);
        Assert.Equal(["topology.kubernetes.io/zone", "kubernetes.io/hostname"],
            spec.Template.Spec.TopologySpreadConstraints.Select(constraint => constraint.TopologyKey));
    });

    [Theory, MemberData(nameof(Names))]
    public void Administration_has_a_port_a_service_and_a_secret_key_of_its_own(string name)
    {
        var overlay = overlays[name];
        foreach (var service in new[] { "commands", "projector" })
        {
            var container = overlay.Pods[service].Spec.Containers[0];
            Assert.Equal("http://0.0.0.0:8081", container.Env.Single(variable => variable.Name == "Shop__AdminUrl").Value);
            Assert.NotNull(container.Env.Single(variable => variable.Name == "Shop__AdminKey").ValueFrom.SecretKeyRef);
            Assert.Equal([80], overlay.One<V1Service>(service).Spec.Ports.Select(port => port.Port));
            Assert.Equal([8081], overlay.One<V1Service>($"{service}-admin").Spec.Ports.Select(port => port.Port));
        }

        Assert.DoesNotContain(overlay.Pods["queries"].Spec.Containers[0].Env, variable => variable.Name.StartsWith("Shop__Admin", StringComparison.Ordinal));
        Assert.Empty(overlay.All<V1Ingress>());
        Assert.All(overlay.All<V1Service>(), service => Assert.Contains(service.Spec.Type, new[] { null, "ClusterIP" }));
    }

    [Theory, MemberData(nameof(Names))]
    public void Connection_strings_with_secrets_come_from_secrets_that_exist(string name)
    {
        var overlay = overlays[name];
        string[] secrets = [.. overlay.All<V1Secret>().Select(secret => secret.Metadata.Name), .. overlay.All<ExternalSecret>().Select(secret => secret.Spec.Target.Name)];
        var variables = overlay.Pods.Values.SelectMany(pod => pod.Spec.Containers).SelectMany(container => container.Env ?? []).ToArray();
        Assert.NotEmpty(variables);
        Assert.All(variables.Where(variable => variable.Value is not null),
            variable => Assert.DoesNotMatch("(?i)password=|accesskey=|://[^/]*@", variable.Value));
        Assert.All(variables.Where(variable => variable.ValueFrom is not null), variable => Assert.Contains(variable.ValueFrom.SecretKeyRef.Name, secrets));
    }

    [Theory, MemberData(nameof(Names))]
    public void The_migration_is_a_job_of_the_commands_image(string name)
    {
        var migrate = Assert.Single(overlays[name].Pods["migrate"].Spec.Containers);
        Assert.Equal(overlays[name].Pods["commands"].Spec.Containers[0].Image, migrate.Image);
        Assert.Equal(["migrate"], migrate.Args);
    }

    [Fact]
    public void Dev_has_its_stores_inside_and_the_emulator_serves_what_the_local_broker_serves()
    {
        var dev = overlays["dev"];
        Assert.Equal(1, dev.One<V1StatefulSet>("postgres").Spec.Replicas);
        Assert.Equal(3, dev.One<V1StatefulSet>("mongo").Spec.Replicas);
        Assert.Contains("--replSet", dev.Pods["mongo"].Spec.Containers[0].Args);
        var configuration = Assert.Single(dev.All<V1ConfigMap>(), map => map.Data.ContainsKey("Config.json"));
        Assert.Equal(configuration.Metadata.Name, dev.Pods["servicebus"].Spec.Volumes.Single(volume => volume.ConfigMap is not null).ConfigMap.Name);

        var broker = Shop.Local.ServiceBus.BrokerEntities.Shop;
        using var json = System.Text.Json.JsonDocument.Parse(configuration.Data["Config.json"]);
        var topic = Assert.Single(json.RootElement.GetProperty("UserConfig").GetProperty("Namespaces")[0].GetProperty("Topics").EnumerateArray());
        Assert.Equal(broker.Topics.Single().Name, topic.GetProperty("Name").GetString());
        Assert.False(topic.GetProperty("Properties").GetProperty("RequiresDuplicateDetection").GetBoolean());
        var subscription = Assert.Single(topic.GetProperty("Subscriptions").EnumerateArray());
        var expected = broker.Topics.Single().Subscriptions.Single();
        Assert.Equal(expected.Name, subscription.GetProperty("Name").GetString());
        Assert.Equal(expected.Properties.MaxDeliveryCount, subscription.GetProperty("Properties").GetProperty("MaxDeliveryCount").GetInt32());
        Assert.Equal(expected.Properties.LockDuration,
            System.Xml.XmlConvert.ToTimeSpan(subscription.GetProperty("Properties").GetProperty("LockDuration").GetString()!));
    }

    [Fact]
    public void Azure_speaks_to_the_bus_with_its_workload_identity_and_keeps_no_secret()
    {
        var azure = overlays["azure"];
        Assert.Empty(azure.All<V1Secret>());
        foreach (var service in new[] { "commands", "projector" })
        {
            Assert.Equal("true", azure.Pods[service].Metadata.Labels["azure.workload.identity/use"]);
            Assert.Contains("azure.workload.identity/client-id", azure.One<V1ServiceAccount>(service).Metadata.Annotations.Keys);
            Assert.EndsWith(".servicebus.windows.net",
                azure.Pods[service].Spec.Containers[0].Env.Single(variable => variable.Name == "ConnectionStrings__messaging").Value, StringComparison.Ordinal);
        }

        Assert.Equal(["shop-administration", "shop-readdb", "shop-shopdb"],
            azure.All<ExternalSecret>().Select(secret => secret.Spec.Target.Name).Order(StringComparer.Ordinal));
        Assert.Equal("WorkloadIdentity", Assert.Single(azure.All<SecretStore>()).Spec.Provider.Azurekv.AuthType);
    }

    [Fact]
    public void Azure_scales_the_projector_on_depth_and_lag_and_the_others_on_load()
    {
        var azure = overlays["azure"];
        Assert.All(Overlay.Services, service => Assert.Null(azure.One<V1Deployment>(service).Spec.Replicas));
        Assert.Equal(["commands", "queries"],
            azure.All<V2HorizontalPodAutoscaler>().Select(scaler => scaler.Spec.ScaleTargetRef.Name).Order(StringComparer.Ordinal));
        var scaled = Assert.Single(azure.All<ScaledObject>()).Spec;
        Assert.Equal("projector", scaled.ScaleTargetRef.Name);
        var depth = Assert.Single(scaled.Triggers, trigger => trigger.Type == "azure-servicebus");
        Assert.Equal(("shop-events", "projector"), (depth.Metadata["topicName"], depth.Metadata["subscriptionName"]));
        Assert.Equal("projector", depth.AuthenticationRef?.Name);
        var lag = Assert.Single(scaled.Triggers, trigger => trigger.Type == "prometheus");
        Assert.Contains("shop_projection_lag_seconds_bucket", lag.Metadata["query"], StringComparison.Ordinal);
        Assert.Contains("\"shop.projection.lag\", \"s\"", Repository.Read("Shop.ServiceDefaults/Observability/ShopMetrics.cs"), StringComparison.Ordinal);
    }
}
