using System.Diagnostics;
using System.Xml.Linq;
using Shop.Tests.Architecture;

namespace Shop.Tests.Deploy;

public sealed class ContainerTests
{
    [Theory, InlineData("Shop.Commands"), InlineData("Shop.Projector"), InlineData("Shop.Queries")]
    public void Every_service_is_published_as_the_same_kind_of_image(string project) =>
        Assert.Contains(XDocument.Load(Path.Combine(Repository.Root, project, $"{project}.csproj")).Descendants("Import"),
            import => import.Attribute("Project")?.Value == "../deploy/Container.props");

    [Fact]
    public void Images_are_chiseled_run_as_nobody_and_listen_on_8080()
    {
        var properties = XDocument.Load(Path.Combine(Repository.Root, "deploy/Container.props"));
        var image = properties.Descendants("ContainerBaseImage").Single().Value;
        Assert.EndsWith("-chiseled", image, StringComparison.Ordinal);
        Assert.Equal("1654", properties.Descendants("ContainerUser").Single().Value);
        Assert.Equal("8080", properties.Descendants("ContainerPort").Single().Attribute("Include")!.Value);
        var dockerfile = Repository.Read("deploy/Dockerfile");
        Assert.Contains($"FROM {image}\n", dockerfile, StringComparison.Ordinal);
        Assert.Contains("ARG PROJECT\n", dockerfile, StringComparison.Ordinal);
        Assert.Contains("USER 1654\n", dockerfile, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rollout_migrates_before_it_touches_a_service()
    {
        if (!File.Exists("/usr/bin/kubectl") && !File.Exists("/usr/local/bin/kubectl")) Assert.Skip("kubectl is not installed; .ci/install-kubectl brings it.");
        var work = Directory.CreateTempSubdirectory("shop-rollout-");
        try
        {
            // Renders with the real one; writes down everything that would change a cluster.
            var recorder = Path.Combine(work.FullName, "kubectl");
            var journal = Path.Combine(work.FullName, "journal");
            await File.WriteAllTextAsync(recorder, $$"""
                #!/usr/bin/env bash
                [ "$1" = kustomize ] && exec kubectl "$@"
                line="$1 $2"
                [ "$1" = apply ] && line="apply $(cat "$3"/*.yaml | grep -E '^kind: (Deployment|Job|Namespace)' | sort -u | tr '\n' ' ')$(cat "$3"/*.yaml | grep -cxE '  name: (commands|projector|queries)')"
                echo "$line" >>'{{journal}}'
                """.ReplaceLineEndings("\n"), TestContext.Current.CancellationToken);
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(recorder, UnixFileMode.UserRead | UnixFileMode.UserExecute);
            var start = new ProcessStartInfo(Path.Combine(Repository.Root, "deploy/kubernetes/rollout"), ["azure"]) { RedirectStandardError = true };
            start.Environment["KUBECTL"] = recorder;
            using var rollout = Process.Start(start)!;
            var errors = await rollout.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await rollout.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(rollout.ExitCode == 0, errors);

            var lines = await File.ReadAllLinesAsync(journal, TestContext.Current.CancellationToken);
            Assert.Equal(["delete job", "apply", "wait job/migrate", "apply", "rollout status", "rollout status", "rollout status"],
                lines.Select(line => line.StartsWith("apply", StringComparison.Ordinal) ? "apply" : line));
            Assert.Contains("kind: Job kind: Namespace", lines[1], StringComparison.Ordinal);
            Assert.DoesNotContain("Deployment", lines[1], StringComparison.Ordinal);
            Assert.Contains("kind: Deployment", lines[3], StringComparison.Ordinal);
            Assert.DoesNotContain("Job", lines[3], StringComparison.Ordinal);
        }
        finally
        {
            work.Delete(recursive: true);
        }
    }
}
