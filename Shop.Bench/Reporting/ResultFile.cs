using System.Text.Json;
using System.Text.Json.Serialization;
using Shop.Bench.Measuring;

namespace Shop.Bench.Reporting;

/// <summary>The results as a file for programs.</summary>
internal static class ResultFile
{
    public static async Task WriteAsync(string path, Machine machine, bool quick, IReadOnlyList<Result> results, CancellationToken cancellationToken) =>
        await File.WriteAllBytesAsync(path, Serialize(machine, quick, results), cancellationToken);

    public static byte[] Serialize(Machine machine, bool quick, IReadOnlyList<Result> results) => JsonSerializer.SerializeToUtf8Bytes(
        new ResultDocument(machine, ShopVersion(), quick ? "A quick run, for development only: these numbers say nothing." : null, [.. results.Select(ToLine)]),
        ResultJson.Default.ResultDocument);

    private static ResultLine ToLine(Result result) => new(
        result.Bench, result.Measure, result.Value, result.Measured.Unit, result.Measured.Spread, result.Measured.Values.Count,
        result.Reference is null ? null : $"{result.Reference.Subject}: {result.Reference.Measure}", result.Ratio, result.Target?.ToString(), result.IsMet,
        result.Measured.Conditions, result.Measured.Values,
        result.Reference is { } reference ? new(reference.Median, reference.Unit, reference.Spread, reference.Conditions, reference.Values) : null);

    private static string ShopVersion() => typeof(ResultFile).Assembly.GetName().Version?.ToString() ?? "";
}

/// <summary>What a results file has.</summary>
internal sealed record ResultDocument(Machine Machine, string Version, string? Warning, IReadOnlyList<ResultLine> Results);

/// <summary>One measure. <c>spread</c> is (highest - lowest) / median of the repetitions.</summary>
internal sealed record ResultLine(
    string Bench, string Measure, double Value, string Unit, double Spread, int Repetitions, string? Reference, double? Ratio, string? Target, bool? Met,
    Conditions Conditions, IReadOnlyList<double> Values, ReferenceValues? ReferenceValues);

/// <summary>The reference's side of a line.</summary>
internal sealed record ReferenceValues(double Value, string Unit, double Spread, Conditions Conditions, IReadOnlyList<double> Values);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(ResultDocument))]
internal sealed partial class ResultJson : JsonSerializerContext;
