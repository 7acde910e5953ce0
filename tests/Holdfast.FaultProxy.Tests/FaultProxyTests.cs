using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Shouldly;
using Xunit;

namespace Holdfast.FaultInjection.Tests;

/// <summary>Each mode as a client meets it, on new and on open connections, switched while the proxy runs.</summary>
public sealed class FaultProxyTests : IAsyncDisposable
{
    private readonly LineServer _server = new();
    private readonly FaultProxy _proxy;
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(30));

    public FaultProxyTests() => _proxy = FaultProxy.Start(_server.EndPoint);

    // Bounds what must happen; nothing is asserted to be faster.
    private CancellationToken Limit => _limit.Token;

    public async ValueTask DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _server.DisposeAsync();
        _limit.Dispose();
    }

    [Fact]
    public async Task Pass_PassesBothWaysAndCounts()
    {
        using var client = await ConnectAsync();
        (await AskAsync(client, "one")).ShouldBe(LineServer.Answer);
        (await AskAsync(client, "two")).ShouldBe(LineServer.Answer);
        _server.Lines.ShouldBe(["one", "two"]);
        _proxy.Counters.ShouldBe(new ProxyCounters(1, 1, 0, 8, 2 * LineServer.Answer.Length));
    }

    [Fact]
    public async Task Pass_ClientEndsItsSide_ServerSeesTheEnd()
    {
        using var client = await ConnectAsync();
        await AskAsync(client, "one");
        var stream = client.GetStream();
        client.Client.Shutdown(SocketShutdown.Send);
        (await stream.ReadAsync(new byte[1], Limit)).ShouldBe(0);
    }

    [Fact]
    public async Task ServerGone_ClientIsResetAndThatIsCounted()
    {
        await _server.DisposeAsync();
        // The reset may come while the client still believes that it connects.
        var error = await Should.ThrowAsync<Exception>(async () =>
        {
            using var client = await ConnectAsync();
            await AskAsync(client, "one");
        });
        error.GetBaseException().ShouldBeOfType<SocketException>().SocketErrorCode.ShouldBeOneOf(SocketError.ConnectionReset, SocketError.Shutdown);
        _proxy.Counters.Unreachable.ShouldBe(1);
    }

    [Fact]
    public async Task Refuse_RefusesConnectsAndResetsOpenOnes_UntilLifted()
    {
        using var client = await ConnectAsync();
        await AskAsync(client, "one");
        await _proxy.SetAsync(new ProxyFault(ProxyMode.Refuse), Limit);
        await Should.ThrowAsync<IOException>(() => AskAsync(client, "two"));
        (await Should.ThrowAsync<SocketException>(ConnectAsync)).SocketErrorCode.ShouldBe(SocketError.ConnectionRefused);
        await _proxy.SetAsync(ProxyFault.None, Limit);
        using var again = await ConnectAsync();
        (await AskAsync(again, "three")).ShouldBe(LineServer.Answer);
    }

    [Theory]
    [InlineData(ProxyMode.Blackhole, false, false)]
    [InlineData(ProxyMode.LosesRequests, false, false)]
    [InlineData(ProxyMode.LosesAnswers, true, false)]
    public async Task ConnectsAreUnanswered_OpenConnectionsAreHeld_AndGoOnWhenLifted(ProxyMode mode, bool requestArrives, bool answerArrives)
    {
        using var client = await ConnectAsync();
        await AskAsync(client, "one");
        await _proxy.SetAsync(new ProxyFault(mode), Limit);
        await UnansweredAsync();
        var answer = AskAsync(client, "two");
        if (requestArrives)
        {
            await _server.HeardAsync("two", Limit);
        }

        await UnansweredAsync();
        _server.Lines.Contains("two").ShouldBe(requestArrives);
        answer.IsCompleted.ShouldBe(answerArrives);
        await _proxy.SetAsync(ProxyFault.None, Limit);
        (await answer).ShouldBe(LineServer.Answer);
        using var again = await ConnectAsync();
        (await AskAsync(again, "three")).ShouldBe(LineServer.Answer);
    }

    [Fact]
    public async Task LosesRequests_WhatTheServerWasAskedBeforeIsStillAnswered()
    {
        using var client = await ConnectAsync();
        await _proxy.SetAsync(new ProxyFault(ProxyMode.LosesAnswers), Limit);
        var answer = AskAsync(client, "one");
        await _server.HeardAsync("one", Limit);
        await _proxy.SetAsync(new ProxyFault(ProxyMode.LosesRequests), Limit);
        (await answer).ShouldBe(LineServer.Answer);
    }

    [Fact]
    public async Task Silence_TakesAndNeverAnswers_AlsoAfterItWasLifted()
    {
        using var open = await ConnectAsync();
        await AskAsync(open, "one");
        await _proxy.SetAsync(new ProxyFault(ProxyMode.Silence), Limit);
        using var fresh = await ConnectAsync();
        var answers = new[] { AskAsync(open, "two"), AskAsync(fresh, "three") };
        await Task.Delay(TimeSpan.FromMilliseconds(300), Limit);
        await _proxy.SetAsync(ProxyFault.None, Limit);
        using var again = await ConnectAsync();
        (await AskAsync(again, "four")).ShouldBe(LineServer.Answer);
        answers.ShouldAllBe(static answer => !answer.IsCompleted);
        _server.Lines.ShouldBe(["one", "four"]);
        _server.Accepted.ShouldBe(2, "a connection made in silence never reaches the server");
        open.Dispose();
        fresh.Dispose();
        await Should.ThrowAsync<Exception>(() => Task.WhenAll(answers));
    }

    [Theory]
    [InlineData(ProxyMode.SlowHeaders)]
    [InlineData(ProxyMode.SlowBody)]
    [InlineData(ProxyMode.Latency)]
    public async Task SlowModes_BringEverythingNotBeforeItsTime(ProxyMode mode)
    {
        using var client = await ConnectAsync();
        await AskAsync(client, "one");
        await _proxy.SetAsync(new ProxyFault(mode, TimeSpan.FromMilliseconds(60)), Limit);
        var began = Stopwatch.GetTimestamp();
        (await AskAsync(client, "two")).ShouldBe(LineServer.Answer);
        var least = mode switch { ProxyMode.SlowHeaders => 60, ProxyMode.SlowBody => 9 * 60, _ => 120 };
        Stopwatch.GetElapsedTime(began).TotalMilliseconds.ShouldBeGreaterThan(least * 0.9);
    }

    [Fact]
    public async Task SlowBody_TheHeadComesBeforeTheBody()
    {
        await _proxy.SetAsync(new ProxyFault(ProxyMode.SlowBody, TimeSpan.FromMinutes(10)), Limit);
        using var client = await ConnectAsync();
        await client.GetStream().WriteAsync("one\n"u8.ToArray(), Limit);
        var head = new byte["HTTP/1.1 200 OK\r\n\r\n".Length];
        await client.GetStream().ReadExactlyAsync(head, Limit);
        Encoding.ASCII.GetString(head).ShouldEndWith("\r\n\r\n");
    }

    [Fact]
    public async Task Truncate_EndsInTheMiddleOfAnAnswer()
    {
        await _proxy.SetAsync(new ProxyFault(ProxyMode.Truncate), Limit);
        using var client = await ConnectAsync();
        await client.GetStream().WriteAsync("one\n"u8.ToArray(), Limit);
        var all = await new StreamReader(client.GetStream()).ReadToEndAsync(Limit);
        all.Length.ShouldBeInRange(1, LineServer.Answer.Length - 1);
        LineServer.Answer.ShouldStartWith(all);
    }

    [Fact]
    public async Task Garbage_IsNoHttpAndTheServerHearsNothing()
    {
        await _proxy.SetAsync(new ProxyFault(ProxyMode.Garbage), Limit);
        using var client = await ConnectAsync();
        await client.GetStream().WriteAsync("one\n"u8.ToArray(), Limit);
        (await new StreamReader(client.GetStream()).ReadToEndAsync(Limit)).ShouldNotContain("HTTP/");
        _server.Accepted.ShouldBe(0);
    }

    [Fact]
    public async Task Reset_AcceptsAndResets()
    {
        await _proxy.SetAsync(new ProxyFault(ProxyMode.Reset), Limit);
        using var client = await ConnectAsync();
        var error = await Should.ThrowAsync<IOException>(() => AskAsync(client, "one"));
        error.InnerException.ShouldBeOfType<SocketException>().SocketErrorCode.ShouldBe(SocketError.ConnectionReset);
        _server.Accepted.ShouldBe(0);
    }

    [Fact]
    public async Task ResetConnections_ResetsWhatIsOpen_AndNewOnesPass()
    {
        using var client = await ConnectAsync();
        await AskAsync(client, "one");
        _proxy.ResetConnections();
        await Should.ThrowAsync<IOException>(() => AskAsync(client, "two"));
        using var again = await ConnectAsync();
        (await AskAsync(again, "three")).ShouldBe(LineServer.Answer);
    }

    [Fact]
    public async Task SetAsync_NegativeDelay_IsRefusedAndChangesNothing()
    {
        await Should.ThrowAsync<ArgumentException>(() => _proxy.SetAsync(new ProxyFault(ProxyMode.Latency, TimeSpan.FromMilliseconds(-1)), Limit));
        _proxy.Fault.ShouldBe(ProxyFault.None);
    }

    [Fact]
    public async Task CommandLine_TakesModesLineByLine_AndRefusesWhatIsNone()
    {
        var output = new StringWriter();
        var errors = new StringWriter();
        var input = new StringReader("blackhole\nlatency 20\nlatency\nnonsense\nstatus\nquit\n");
        (await ProxyCommand.RunAsync(["--to", _server.EndPoint.ToString()], input, output, errors)).ShouldBe(0);
        output.ToString().ShouldContain("ready: 127.0.0.1:");
        output.ToString().ShouldContain("Blackhole");
        output.ToString().ShouldContain("Accepted = 0");
        errors.ToString().ShouldContain("'latency' is not a mode; nothing was changed.");
        errors.ToString().ShouldContain("'nonsense' is not a mode; nothing was changed.");
        (await ProxyCommand.RunAsync(["--to", "nowhere"], input, output, errors)).ShouldBe(64);
    }

    private async Task<TcpClient> ConnectAsync()
    {
        var client = new TcpClient();
        await client.ConnectAsync(_proxy.EndPoint, Limit);
        return client;
    }

    private async Task UnansweredAsync()
    {
        using var client = new TcpClient();
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        await Should.ThrowAsync<OperationCanceledException>(() => client.ConnectAsync(_proxy.EndPoint, patience.Token).AsTask());
    }

    private async Task<string> AskAsync(TcpClient client, string line)
    {
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(line + "\n"), Limit);
        var answer = new byte[LineServer.Answer.Length];
        await stream.ReadExactlyAsync(answer, Limit);
        return Encoding.ASCII.GetString(answer);
    }
}
