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
