using System.ComponentModel;
using System.Diagnostics;

namespace Shop.Local.Supervision;

/// <summary>A running child: its output in a log, its end awaitable, gone at the latest when the runner is (Linux).</summary>
public sealed class ChildProcess : IDisposable
{
    private readonly Process process;
    private readonly ChildLog log;
    private readonly Signal stopSignal;

    private ChildProcess(Process process, ChildLog log, Signal stopSignal)
    {
        this.process = process;
        this.log = log;
        this.stopSignal = stopSignal;
        Id = process.Id;
        StartedAt = TimeProvider.System.GetUtcNow();
        Exited = WaitForEndAsync();
    }

    public int Id { get; }

    /// <summary>Within a second; with <see cref="Id"/> it tells the process from any later one.</summary>
    public DateTimeOffset StartedAt { get; }

    /// <summary>Completes with the exit code when the process has ended and its output is in the log.</summary>
    public Task<int> Exited { get; }

    public bool IsRunning => !Exited.IsCompleted;

    /// <summary>The last lines of its output.</summary>
    public string LogTail => log.Tail;

    /// <summary>Its output has had the command's <see cref="ChildCommand.ReadyLine"/>.</summary>
    public bool HasSaidReady => log.HasSeenAwaited;

    /// <exception cref="LocalRunException">The executable cannot be started.</exception>
    public static async Task<ChildProcess> StartAsync(ChildCommand command)
    {
        ArgumentNullException.ThrowIfNull(command);
        var log = new ChildLog(command.LogFile, command.ReadyLine);
        var process = new Process { StartInfo = ChildStartInfo.For(command), EnableRaisingEvents = true };
        process.OutputDataReceived += (_, line) => Append(line.Data);
        process.ErrorDataReceived += (_, line) => Append(line.Data);
        try
        {
            await LaunchThread.RunAsync(() => process.Start());
        }
        catch (Win32Exception exception)
        {
            log.Dispose();
            process.Dispose();
            throw new LocalRunException($"{command.FileName} cannot be started: {exception.Message}.", exception);
        }

        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new ChildProcess(process, log, command.StopSignal);

        void Append(string? line)
        {
            if (line is not null) log.Write(line);
        }
    }

    /// <summary>Asks it to end, and after <paramref name="grace"/> does not ask any more.</summary>
    public async Task StopAsync(TimeSpan grace)
    {
        if (!IsRunning) return;
        if (OperatingSystem.IsWindows()) process.Kill(entireProcessTree: true);
        else Posix.Send(Id, stopSignal);
        try
        {
            await Exited.WaitAsync(grace);
        }
        catch (TimeoutException)
        {
            await KillAsync();
        }
    }

    /// <summary>SIGKILL: nothing is flushed, nothing is said goodbye to.</summary>
    public async Task KillAsync()
    {
        if (IsRunning) process.Kill();
        await Exited;
    }

    public void Dispose()
    {
        log.Dispose();
        process.Dispose();
    }

    private async Task<int> WaitForEndAsync()
    {
        await process.WaitForExitAsync();
        return process.ExitCode;
    }
}
