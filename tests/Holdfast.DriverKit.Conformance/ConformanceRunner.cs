using System.Globalization;
using Holdfast.Core.Ids;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;

namespace Holdfast.DriverKit.Conformance;

/// <summary>Judges any driver executable from the command line.</summary>
internal static class ConformanceRunner
{
    private const string Usage =
        """
        holdfast-driver-conformance --driver EXECUTABLE [--config NAME=VALUE]... [--secret NAME=VALUE]... [--host-config NAME=VALUE]...
                                    [--folder-setting NAME]
                                    [--size BYTES] [--deadline SECONDS] [--guest-user UID:GID] [--no-content] [--case PART-OF-NAME] [--list]

          --driver          the driver to judge
          --config          a setting of the pool; all cases share the backend that it names, and remove what they have made
          --host-config     what the host's own configuration says to the driver
          --folder-setting  a setting that gets the path of a new folder for each case instead
          --secret          a secret setting; its value must be seen nowhere
          --size            a size that is cheap for the backend (8388608)
          --deadline        what a call may take (20)
          --guest-user      whom guests run as
          --no-content      do not read or write disks
          --case            only cases whose name contains this
          --list            print the cases and end
        """;

    internal static async Task<int> RunAsync(string[] arguments)
    {
        string? driver = null, part = null, folderSetting = null;
        long size = 8L * 1024 * 1024;
        var deadline = TimeSpan.FromSeconds(20);
        GuestUser? guest = null;
        var (content, list) = (true, false);
        Dictionary<string, string> config = [];
        Dictionary<string, string> host = [];
        Dictionary<string, Secret> secrets = [];
        for (var index = 0; index < arguments.Length; index++)
        {
            string Next() => ++index < arguments.Length ? arguments[index] : throw new ArgumentException($"{arguments[index - 1]} needs a value");
            (string Name, string Value) Pair() => Next().Split('=', 2) is [var name, var value] ? (name, value) : throw new ArgumentException("NAME=VALUE is needed");
            try
            {
                switch (arguments[index])
                {
                    case "--driver":
                        driver = Next();
                        break;
                    case "--config":
                        var setting = Pair();
                        config[setting.Name] = setting.Value;
                        break;
                    case "--host-config":
                        var told = Pair();
                        host[told.Name] = told.Value;
                        break;
                    case "--secret":
                        var secret = Pair();
                        secrets[secret.Name] = new Secret(secret.Value);
                        break;
                    case "--folder-setting":
                        folderSetting = Next();
                        break;
                    case "--size":
                        size = long.Parse(Next());
                        break;
                    case "--deadline":
                        var text = Next();
                        deadline = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is > 0 and <= 3600
                            ? TimeSpan.FromSeconds(seconds)
                            : throw new ArgumentException($"--deadline is a number of seconds from 1 to 3600, not '{text}'");
                        break;
                    case "--guest-user":
                        guest = Next().Split(':') is [var uid, var gid] ? new GuestUser(uint.Parse(uid), uint.Parse(gid)) : throw new ArgumentException("UID:GID is needed");
                        break;
                    case "--no-content":
                        content = false;
                        break;
                    case "--case":
                        part = Next();
                        break;
                    case "--list":
                        list = true;
                        break;
                    default:
                        throw new ArgumentException($"unknown argument {arguments[index]}");
                }
            }
            catch (Exception wrong) when (wrong is ArgumentException or FormatException or OverflowException)
            {
                await Console.Error.WriteLineAsync($"{wrong.Message}\n{Usage}");
                return 64;
            }
        }

        var cases = ConformanceCases.All.Where(one => part is null || one.Name.Contains(part, StringComparison.OrdinalIgnoreCase)).ToList();
        if (list)
        {
            cases.ForEach(static one => Console.WriteLine(one.Name));
            return 0;
        }

        if (driver is null)
        {
            await Console.Error.WriteLineAsync(Usage);
            return 64;
        }

        await using var target = new CommandLineTarget(Path.GetFullPath(driver), config, host, secrets, folderSetting, size, deadline, guest, content);
        var (passed, failed, skipped, left) = (0, 0, 0, 0);
        foreach (var one in cases)
        {
            try
            {
                if (await one.JudgeAsync(target, Left) is { } reason)
                {
                    skipped++;
                    Console.WriteLine($"skip  {one.Name}: {reason}");
                }
                else
                {
                    passed++;
                    Console.WriteLine($"pass  {one.Name}");
                }
            }
            catch (ConformanceException failure)
            {
                failed++;
                Console.WriteLine($"FAIL  {failure.Message}");
            }
        }

        Console.WriteLine($"{passed} passed, {failed} failed, {skipped} skipped{(left > 0 ? $", {left} could not be removed" : string.Empty)}");
        return failed > 0 || passed == 0 ? 1 : 0;

        void Left(string what)
        {
            left++;
            Console.WriteLine($"LEFT  {what}");
        }
    }

    private sealed class CommandLineTarget(
        string executable,
        Dictionary<string, string> config,
        Dictionary<string, string> host,
        Dictionary<string, Secret> secrets,
        string? folderSetting,
        long size,
        TimeSpan deadline,
        GuestUser? guest,
        bool content) : ConformanceTarget
    {
        public override string Executable => executable;

        public override IReadOnlyDictionary<string, Secret> Secrets => secrets;

        public override IReadOnlyDictionary<string, string> HostConfig => host;

        public override long Size => size;

        public override TimeSpan Deadline => deadline;

        // A folder of each case's own goes with the case.
        public override bool IsShared => folderSetting is null;

        public override GuestUser? GuestUser => guest;

        public override bool HasContent => content;

        public override Task<IReadOnlyDictionary<string, string>> NewPoolAsync(PoolId pool, string folder)
        {
            var settings = new Dictionary<string, string>(config);
            if (folderSetting is not null)
            {
                settings[folderSetting] = Directory.CreateDirectory(Path.Combine(folder, "pool")).FullName;
            }

            return Task.FromResult<IReadOnlyDictionary<string, string>>(settings);
        }
    }
}
