using System.Net;
using System.Net.Sockets;
using Holdfast.Agent.Link;
using Holdfast.Protocol.Host;
using Microsoft.Extensions.Logging;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Link;

public sealed class MembershipTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_server_that_takes_the_connection_and_says_nothing_is_tried_again()
    {
        // The kernel takes the connection; the handshake that should follow never does.
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var log = new FirstLine();
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var membership = new Membership(_folder["identity"], new Uri($"https://{silent.LocalEndpoint}"), TimeProvider.System, log);
        var entering = membership.EnterAsync(
            static () => Task.FromResult<string?>($"hfj1.{new string('s', 32)}.{new string('0', 64)}"),
            new HostFacts { HostName = "host1", NodeName = "host1", AgentVersion = "1", Cpus = 1, MemoryBytes = 1, Accelerator = "tcg" },
            enough.Token);
        await Task.WhenAny(log.Written, entering, Task.Delay(Patience, TestContext.Current.CancellationToken));
        entering.IsCompleted.ShouldBeFalse($"it goes on trying: {entering.Exception}");
        log.Written.IsCompleted.ShouldBeTrue($"it tells within {Patience.TotalSeconds:0} s that it could not join");
        (await log.Written).ShouldContain("cannot be joined yet");
        await enough.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => entering);
    }

    private sealed class FirstLine : ILogger
    {
        private readonly TaskCompletionSource<string> _written = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<string> Written => _written.Task;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _written.TrySetResult(formatter(state, exception));
    }
}
