using k8s.Models;

namespace Shop.Tests.Deploy;

/// <summary>The network policies, resolved to who reaches whom: both ends must allow an arrow.</summary>
public sealed class NetworkTests(Overlays overlays) : IClassFixture<Overlays>
{
    private static readonly string[] common =
    [
        "{shop/ingress} -> commands:8080", "{shop/ingress} -> queries:8080", "projector -> commands:8081",
        "queries -> commands:8080", "queries -> projector:8080",
        "commands -> {shop/observability}:4317", "migrate -> {shop/observability}:4317",
        "projector -> {shop/observability}:4317", "queries -> {shop/observability}:4317",
        "operator -> commands:8081", "operator -> projector:8081",
    ];

    [Fact]
    public void Dev_allows_exactly_the_arrows_of_the_diagram() => Assert.Equal(Sorted([.. common,
        "commands -> postgres:5432", "migrate -> postgres:5432", "commands -> servicebus:5672", "projector -> servicebus:5672",
        "servicebus -> servicebus-sql:1433", "projector -> mongo:27017", "queries -> mongo:27017",
        "mongo -> mongo:27017", "mongo-initiate -> mongo:27017"]), Sorted(Arrows(overlays["dev"])));

    [Fact]
    public void Azure_allows_exactly_the_arrows_of_the_diagram() => Assert.Equal(Sorted([.. common,
        "commands -> 10.20.1.0/24:5432", "migrate -> 10.20.1.0/24:5432", "commands -> 10.20.2.0/24:5671", "projector -> 10.20.2.0/24:5671",
        "projector -> 10.20.3.0/24:27017", "queries -> 10.20.3.0/24:27017", "commands -> 0.0.0.0/0:443", "projector -> 0.0.0.0/0:443"]),
        Sorted(Arrows(overlays["azure"])));

    [Theory, MemberData(nameof(PolicyTests.Names), MemberType = typeof(PolicyTests))]
    public void Everything_else_is_denied(string name)
    {
        var deny = overlays[name].One<V1NetworkPolicy>("default-deny").Spec;
        Assert.Null(deny.PodSelector.MatchLabels);
        Assert.Null(deny.PodSelector.MatchExpressions);
        Assert.Equal(["Ingress", "Egress"], deny.PolicyTypes);
        Assert.Null(deny.Ingress);
        Assert.Null(deny.Egress);
    }

    private static string[] Sorted(IEnumerable<string> arrows) => [.. arrows.Distinct().Order(StringComparer.Ordinal)];

    private static IEnumerable<string> Arrows(Overlay overlay)
    {
        var policies = overlay.All<V1NetworkPolicy>().Select(policy => policy.Spec).ToArray();
        var pods = overlay.Pods.ToDictionary(pod => pod.Key, pod => pod.Value.Metadata.Labels);
        // An administrator's pod, and one without a label that means anything.
        pods["operator"] = new Dictionary<string, string> { ["shop/admin-client"] = "true" };
        pods["stranger"] = new Dictionary<string, string> { ["app.kubernetes.io/name"] = "stranger" };
        foreach (var (name, labels) in pods)
        {
            var selected = policies.Where(policy => Matches(policy.PodSelector, labels)).ToArray();
            foreach (var rule in selected.SelectMany(policy => policy.Egress ?? []))
            {
                var peers = rule.To ?? [new V1NetworkPolicyPeer { IpBlock = new V1IPBlock { Cidr = "anywhere" } }];
                foreach (var (peer, port) in peers.SelectMany(peer => Ports(rule.Ports), (peer, port) => (peer, port)).Where(pair => pair.port != "53"))
                {
                    if (peer.IpBlock is { } block) yield return $"{name} -> {block.Cidr}:{port}";
                    else if (peer.NamespaceSelector is { } space) yield return $"{name} -> {Label(space)}:{port}";
                    else
                        foreach (var (target, _) in pods.Where(pod => Matches(peer.PodSelector, pod.Value) && Admits(policies, pod.Value, labels, port)))
                            yield return $"{name} -> {target}:{port}";
                }
            }

            foreach (var rule in selected.SelectMany(policy => policy.Ingress ?? []))
            {
                Assert.NotEmpty(rule.FromProperty);
                foreach (var peer in rule.FromProperty.Where(peer => peer.PodSelector is null))
                    foreach (var port in Ports(rule.Ports))
                        yield return $"{(peer.NamespaceSelector is { } space ? Label(space) : peer.IpBlock.Cidr)} -> {name}:{port}";
            }
        }
    }

    private static bool Admits(V1NetworkPolicySpec[] policies, IDictionary<string, string> target, IDictionary<string, string> source, string port) =>
        policies.Where(policy => Matches(policy.PodSelector, target)).SelectMany(policy => policy.Ingress ?? [])
            .Any(rule => Ports(rule.Ports).Contains(port)
                && rule.FromProperty.Any(peer => peer is { PodSelector: { } selector, NamespaceSelector: null } && Matches(selector, source)));

    private static IEnumerable<string> Ports(IList<V1NetworkPolicyPort>? ports) =>
        ports is { Count: > 0 } ? ports.Select(port => port.Port.Value) : ["any"];

    private static string Label(V1LabelSelector space) => $"{{{Assert.Single(space.MatchLabels).Key}}}";

    private static bool Matches(V1LabelSelector selector, IDictionary<string, string> labels) =>
        (selector.MatchLabels ?? new Dictionary<string, string>()).All(pair => labels.TryGetValue(pair.Key, out var value) && value == pair.Value)
        && (selector.MatchExpressions ?? []).All(expression =>
        {
            Assert.Equal("In", expression.OperatorProperty);
            return labels.TryGetValue(expression.Key, out var value) && expression.Values.Contains(value);
        });
}
