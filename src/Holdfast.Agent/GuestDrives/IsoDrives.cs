using System.Globalization;
using Holdfast.Agent.Bindings.Processes;
using Holdfast.Agent.Ingest;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.GuestDrives;

/// <summary>
/// Configuration drives as ISO images that Debian's xorriso makes, in a sandbox: of its own, so that nothing about images from strangers holds up the start of a guest. They lie in a
/// folder of the agent's own, never on a storage pool, where nobody but QEMU's user can read them. An adapter.
/// </summary>
internal sealed partial class IsoDrives : IGuestDrives
{
    private const string Program = "xorriso";
    private const string Suffix = ".iso";
    private const string WorkPrefix = "work-";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnersFolder = OwnerOnly | UnixFileMode.UserExecute;

    // Others may pass, as QEMU has to, and see nothing.
    private const UnixFileMode Passage = OwnersFolder | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
    private const long Memory = 1L << 30;
    private const int CpuSeconds = 20;

    // xorriso 1.5.4 races with itself: of 1,200 runs on a busy machine two ended with a segmentation fault, and the next try did not.
    private const int Tries = 3;
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);
    private readonly string _folder;
    private readonly ImageSandbox _sandbox;
    private readonly ILogger _log;
    private readonly string _workPrefix = string.Create(CultureInfo.InvariantCulture, $"{WorkPrefix}{Environment.ProcessId}-");
    private int _made;

    /// <summary>Names the folder; it is made when it is needed.</summary>
    public IsoDrives(string folder, SandboxMode mode, TimeProvider time, ILogger<IsoDrives> log)
        : this(folder, new ImageSandbox(mode, folder, time), log)
    {
    }

    /// <summary>The same, in a sandbox that is there.</summary>
    internal IsoDrives(string folder, ImageSandbox sandbox, ILogger<IsoDrives> log) => (_folder, _sandbox, _log) = (folder, sandbox, log);

    /// <inheritdoc/>
    public Task<DriveOutcome> MakeAsync(VmId machine, IReadOnlyList<DriveFile> files, GuestUser? reader, CancellationToken cancellationToken)
    {
        var work = Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"{_workPrefix}{++_made}"));
        return OffLoop.RunAsync(() => MakeHereAsync(machine, files, reader, work, cancellationToken));
    }

    /// <inheritdoc/>
    public Task RemoveAsync(VmId machine) => OffLoop.RunAsync(() =>
    {
        try
        {
            File.Delete(PathOf(machine));
            File.Delete(VariablesOf(machine));
        }
        catch (DirectoryNotFoundException)
        {
            // No guest of this agent had one.
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            LogNotRemoved(PathOf(machine), machine, refused.Message);
        }

        return Task.FromResult(true);
    });

    /// <inheritdoc/>
    public Task<IReadOnlyList<VmId>> FindAsync() => OffLoop.RunAsync(() =>
    {
        if (!_sandbox.SearchPath.Split(':').Any(place => File.Exists(Path.Combine(place, Program))))
        {
            LogNoProgram(Program);
        }

        try
        {
            if (!Directory.Exists(_folder))
            {
                return Task.FromResult<IReadOnlyList<VmId>>([]);
            }

            // Not what this agent is at by now.
            foreach (var work in Directory.GetDirectories(_folder, WorkPrefix + "*").Where(work => !Path.GetFileName(work).StartsWith(_workPrefix, StringComparison.Ordinal)))
            {
                Directory.Delete(work, recursive: true);
            }

            return Task.FromResult<IReadOnlyList<VmId>>(
            [
                .. Directory.GetFiles(_folder, "*" + Suffix)
                    .Concat(Directory.GetFiles(_folder, "*" + IGuestDrives.VariablesSuffix))
                    .Select(file => Guid.TryParseExact(Path.GetFileNameWithoutExtension(file), "D", out var id) ? new VmId(id) : (VmId?)null)
                    .OfType<VmId>()
                    .Distinct(),
            ]);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            LogNotRead(_folder, refused.Message);
            return Task.FromResult<IReadOnlyList<VmId>>([]);
        }
    });

    private async Task<DriveOutcome> MakeHereAsync(VmId machine, IReadOnlyList<DriveFile> files, GuestUser? reader, string work, CancellationToken cancellationToken)
    {
        try
        {
            MakeFolder(_folder);
            Directory.CreateDirectory(work, OwnersFolder);
            var (tree, image) = (Path.Combine(work, "tree"), Path.Combine(work, "image"));
            foreach (var file in files)
            {
                var path = Path.Combine(tree, file.Path);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                await File.WriteAllBytesAsync(path, file.Content, cancellationToken);
            }

            var job = new SandboxJob
            {
                Program = Program,
                Source = tree,
                Target = image,
                Arguments = (from, to) => ["-no_rc", "-as", "mkisofs", "-quiet", "-V", DriveContent.Label, "-J", "-r", "-input-charset", "utf-8", "-o", to, from],
                Memory = Memory,
                CpuSeconds = CpuSeconds,
                Bound = Bound,
            };
            if (await RunAsync(job, image, machine, cancellationToken) is { } reason)
            {
                return new DriveOutcome.Failed(reason);
            }

            if (reader is not null && LibC.EffectiveUser() == 0 && LibC.ChangeOwner(image, reader.UserId, reader.GroupId) != 0)
            {
                return new DriveOutcome.Failed($"it cannot be given to user {reader.UserId}, as whom QEMU runs");
            }

            File.Delete(VariablesOf(machine));
            File.Move(image, PathOf(machine), overwrite: true);
            return new DriveOutcome.Made(PathOf(machine));
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return new DriveOutcome.Failed(refused.Message);
        }
        finally
        {
            Discard(work);
        }
    }

    // Returns why there is no image; null when there is one.
    private async Task<string?> RunAsync(SandboxJob job, string image, VmId machine, CancellationToken cancellationToken)
    {
        for (var tried = 1; ; tried++)
        {
            // Its mode from its first byte.
            new FileStream(image, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }).Dispose();
            switch (await _sandbox.RunAsync(job, cancellationToken))
            {
                case SandboxOutcome.Ended { Code: 0 }:
                    return null;
                case SandboxOutcome.Ended ended when tried < Tries:
                    LogTriedAgain(Program, machine, ended.Code, ended.Error.Trim());
                    File.Delete(image);
                    break;
                case SandboxOutcome.Ended ended:
                    return string.Create(CultureInfo.InvariantCulture, $"{Program} ended with {ended.Code}: {ended.Error.Trim()}{WithoutProgram(ended.Error)}");
                case SandboxOutcome.Stopped stopped:
                    return stopped.Reason;
                case SandboxOutcome.Unavailable none:
                    return none.Reason;
            }
        }
    }

    // Not by the umask: QEMU has to pass. What is there is as its owner has it.
    private static void MakeFolder(string folder)
    {
        if (!Directory.Exists(folder))
        {
            MakeFolder(Path.GetDirectoryName(folder)!);
            Directory.CreateDirectory(folder);
            File.SetUnixFileMode(folder, Passage);
        }
    }

    private static string WithoutProgram(string error) => error.Contains("No such file", StringComparison.Ordinal) ? $" (is the package {Program} installed?)" : string.Empty;

    private void Discard(string work)
    {
        try
        {
            Directory.Delete(work, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // It could not be made.
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            LogNotRead(work, refused.Message);
        }
    }

    private string VariablesOf(VmId machine) => Path.ChangeExtension(PathOf(machine), IGuestDrives.VariablesSuffix);

    private string PathOf(VmId machine) => Path.Combine(_folder, machine + Suffix);

    [LoggerMessage(EventId = 1730, Level = LogLevel.Warning, Message = "The configuration drive {Path} of machine {Machine} cannot be removed: {Reason}. It has what the guest is told, and is removed when this agent starts again")]
    private partial void LogNotRemoved(string path, VmId machine, string reason);

    [LoggerMessage(EventId = 1732, Level = LogLevel.Error, Message = "No guest with a configuration drive will be started by this host: there is no {Program} here; install the package of that name")]
    private partial void LogNoProgram(string program);

    [LoggerMessage(EventId = 1733, Level = LogLevel.Warning, Message = "{Program} is tried again for machine {Machine}: it ended with {Code}: {Error}")]
    private partial void LogTriedAgain(string program, VmId machine, int code, string error);

    [LoggerMessage(EventId = 1731, Level = LogLevel.Warning, Message = "What is left of configuration drives in {Folder} cannot be cleared away: {Reason}")]
    private partial void LogNotRead(string folder, string reason);
}
