using System.Diagnostics;
using System.Text.Json;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests;

/// <summary>The program as it is started.</summary>
public sealed class ProgramTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_log_in_JSON_is_an_object_a_line_as_the_servers()
    {
        await File.WriteAllTextAsync(_folder["token"], $"hfj1.{new string('s', 32)}.{new string('0', 64)}", TestContext.Current.CancellationToken);

        // Nobody listens there, which it tells.
        using var process = Start("--server", "https://127.0.0.1:1", "--data", _folder["agent"], "--join-token-file", _folder["token"], "--log", "json");
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(Patience);
        try
        {
            var line = (await process.StandardOutput.ReadLineAsync(deadline.Token)).ShouldNotBeNull("it ended and said nothing");
            var entry = JsonDocument.Parse(line).RootElement;
            entry.GetProperty("Timestamp").GetDateTimeOffset().Offset.ShouldBe(TimeSpan.Zero);
            entry.GetProperty("EventId").GetInt32().ShouldBe(1351);
            entry.GetProperty("LogLevel").GetString().ShouldBe("Warning");
            entry.GetProperty("Category").GetString().ShouldBe("Holdfast.Agent.Link.Membership");
            entry.GetProperty("Message").GetString().ShouldNotBeNull().ShouldStartWith("The server at https://127.0.0.1:1/ cannot be joined yet: ");
            entry.GetProperty("State").GetProperty("Server").GetString().ShouldBe("https://127.0.0.1:1/");
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }

    [Fact]
    public async Task The_help_tells_every_option_and_the_version_is_told()
    {
        var (code, output, error) = await RunAsync("--data", "/nowhere", "--help");
        code.ShouldBe(0, error);
        foreach (var option in new[] { "--gateway, --server <URL>", "--data <DIR>", "--join-token-file", "--image-sandbox", "--driver-memory", "--libvirt", "--log" })
        {
            output.ShouldContain($"\n  {option}");
        }

        (await RunAsync("--version")).Output.ShouldStartWith(typeof(AgentOptions).Assembly.GetName().Version!.ToString(3));
        (await RunAsync("tell", "--help")).Output.ShouldContain("holdfast-agent tell [options]");
        Directory.Exists("/nowhere").ShouldBeFalse();
    }

    [Theory]
    [InlineData("--server", "--data", "/nowhere")]
    [InlineData("--data", "--server", "https://127.0.0.1:1")]
    [InlineData("--server", "--data", "/nowhere", "--server", "http://127.0.0.1:1")]
    [InlineData("--gateway", "--data", "/nowhere", "--gateway", "127.0.0.1:1")]
    [InlineData("--bogus", "--data", "/nowhere", "--server", "https://127.0.0.1:1", "--bogus", "1")]
    [InlineData("--name", "--data", "/nowhere", "--server", "https://127.0.0.1:1", "--name")]
    [InlineData("--data", "--data", "--server", "https://127.0.0.1:1")]
    [InlineData("--imports", "--data", "/nowhere", "--server", "https://127.0.0.1:1", "--imports", "0")]
    [InlineData("--driver-memory", "--data", "/nowhere", "--server", "https://127.0.0.1:1", "--driver-memory", "1024")]
    [InlineData("--max-image-bytes", "--data", "/nowhere", "--server", "https://127.0.0.1:1", "--max-image-bytes", "-1")]
    [InlineData("--ingest-keep-free", "--data", "/nowhere", "--server", "https://127.0.0.1:1", "--ingest-keep-free", "2G")]
    [InlineData("--image-sandbox", "--data", "/nowhere", "--server", "https://127.0.0.1:1", "--image-sandbox", "none")]
    [InlineData("--log", "--data", "/nowhere", "--server", "https://127.0.0.1:1", "--log", "xml")]
    [InlineData("--data", "tell")]
    public async Task A_command_line_that_makes_no_sense_starts_nothing_and_says_which_option(string named, params string[] arguments)
    {
        var (code, output, error) = await RunAsync(arguments);

        code.ShouldBe(64);
        output.ShouldBeEmpty();
        error.ShouldContain(named);
        error.ShouldContain("holdfast-agent --help");
        Directory.Exists("/nowhere").ShouldBeFalse();
    }

    [Theory]
    [InlineData("--data", "/dev/null")]
    [InlineData("--join-token-file", "/nowhere/token")]
    public async Task A_file_or_folder_that_cannot_be_used_is_a_message_that_names_the_option(string option, string path)
    {
        var (code, _, error) = await RunAsync(["--server", "https://127.0.0.1:1", option, path, .. option == "--data" ? [] : new[] { "--data", _folder["agent"] }]);

        code.ShouldBe(1);
        error.ShouldContain($"{option}: ");
        error.ShouldContain(path);
        error.ShouldNotContain("   at ");
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        using var process = Start(arguments);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(Patience);
        var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
        var error = process.StandardError.ReadToEndAsync(deadline.Token);
        await process.WaitForExitAsync(deadline.Token);
        return (process.ExitCode, await output, await error);
    }

    private static Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "holdfast-agent")) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }
}
