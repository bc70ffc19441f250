using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http.HttpResults;
using Shop.Contracts.Administration;
using Shop.Contracts.Views;
using Shop.ServiceDefaults.Administration;

namespace Shop.Projector.Rebuild;

/// <summary>
/// Administration of the read model: <c>GET /rebuild</c>, <c>POST /rebuild</c> (starts, or goes on), <c>POST /rebuild/rollback</c>,
/// <c>POST /rebuild/retire</c>, and <c>GET /verify</c>, which streams NDJSON and changes nothing.
/// </summary>
internal static class RebuildRoutes
{
    private const string CommandsAdministration = "http://_admin.commands";

    public static void AddRebuild(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<RebuildOptions>().BindConfiguration(RebuildOptions.Section)
            .Validate(rebuild => rebuild.PageSize is >= 1 and <= 1_000 && rebuild.Lease > TimeSpan.Zero && rebuild.SettleTime >= TimeSpan.Zero,
                $"{RebuildOptions.Section} is out of range.").ValidateOnStart();
        var key = builder.Configuration[AdministrationPort.SecretKey];
        builder.Services.AddHttpClient(WriteSideClient.ClientName, http =>
        {
            http.BaseAddress = new Uri(CommandsAdministration);
            if (!string.IsNullOrEmpty(key)) http.DefaultRequestHeaders.Add(AdministrationPort.HeaderName, key);
        });
        builder.Services.AddSingleton<WriteSideClient>();
        builder.Services.AddSingleton<ReadModelComparison>();
        builder.Services.AddSingleton<RebuildSwitch>();
        builder.Services.AddHostedService<RebuildWorker>();
    }

    public static void MapRebuild(this IEndpointRouteBuilder administration)
    {
        administration.MapGet("/rebuild", (RebuildSwitch rebuild, CancellationToken cancellationToken) => AnswerAsync(rebuild, () => Task.FromResult<string?>(null), cancellationToken));
        administration.MapPost("/rebuild", (RebuildSwitch rebuild, CancellationToken cancellationToken) =>
            AnswerAsync(rebuild, () => rebuild.StartAsync(cancellationToken), cancellationToken));
        administration.MapPost("/rebuild/rollback", (RebuildSwitch rebuild, CancellationToken cancellationToken) =>
            AnswerAsync(rebuild, () => rebuild.RollBackAsync(cancellationToken), cancellationToken));
        administration.MapPost("/rebuild/retire", (RebuildSwitch rebuild, CancellationToken cancellationToken) =>
            AnswerAsync(rebuild, () => rebuild.RetireAsync(cancellationToken), cancellationToken));
        administration.MapGet("/verify", VerifyAsync);
    }

    private static async Task<IResult> AnswerAsync(RebuildSwitch rebuild, Func<Task<string?>> stepAsync, CancellationToken cancellationToken)
    {
        try
        {
            return await stepAsync() is { } refusal
                ? TypedResults.Problem(refusal, statusCode: StatusCodes.Status409Conflict)
                : TypedResults.Ok(await rebuild.StatusAsync(cancellationToken));
        }
        catch (Exception exception) when (RebuildWorker.IsOutage(exception))
        {
            return Away(exception);
        }
    }

    private static async Task<IResult> VerifyAsync(ReadModelComparison comparison, RebuildSwitch rebuild, HttpContext context)
    {
        try
        {
            var live = (await rebuild.StatusAsync(context.RequestAborted)).Live;
            if (live == 0) return TypedResults.Problem("There is no read model yet.", statusCode: StatusCodes.Status409Conflict);
            // Only the newest progress matters to a reader that is slow.
            var progress = Channel.CreateBounded<VerificationLine>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
            var running = RunAsync(comparison, live, progress.Writer, context.RequestAborted);
            context.Response.ContentType = "application/x-ndjson";
            await foreach (var line in progress.Reader.ReadAllAsync(context.RequestAborted)) await WriteAsync(context, line);
            await WriteAsync(context, new(What: null, 0, 0, await running));
            return TypedResults.Empty;
        }
        catch (Exception exception) when (RebuildWorker.IsOutage(exception) && !context.Response.HasStarted)
        {
            return Away(exception);
        }
    }

    private static async Task<ComparisonReport> RunAsync(
        ReadModelComparison comparison, int generation, ChannelWriter<VerificationLine> progress, CancellationToken cancellationToken)
    {
        try
        {
            return await comparison.RunAsync(generation, (what, done, total) => progress.TryWrite(new(what, done, total, Report: null)), cancellationToken);
        }
        finally
        {
            progress.Complete();
        }
    }

    private static async Task WriteAsync(HttpContext context, VerificationLine line)
    {
        await context.Response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(line, AdministrationJson.Default.VerificationLine), context.RequestAborted);
        await context.Response.Body.WriteAsync("\n"u8.ToArray(), context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    private static ProblemHttpResult Away(Exception exception) => TypedResults.Problem(exception.Message, statusCode: StatusCodes.Status503ServiceUnavailable);
}
