using Holdfast.Agent.Loop;
using Holdfast.Protocol.Host;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Link;

/// <summary>Joins the server once, and renews the certificate long before it ends.</summary>
internal sealed partial class Membership(string folder, Uri server, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan CallDeadline = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan CheckEvery = TimeSpan.FromHours(1);
    private static readonly TimeSpan[] Pauses = [TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(5)];

    /// <summary>The identity from the folder, or a new one by the token.</summary>
    /// <param name="readToken">Reads the token; asked only when there is no identity yet.</param>
    /// <param name="facts">What the host is.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="JoinRefusedException">There is no good token.</exception>
    public async Task<AgentIdentity> EnterAsync(Func<Task<string?>> readToken, HostFacts facts, CancellationToken cancellationToken)
    {
        if (AgentIdentity.TryLoad(folder) is { } known)
        {
            return known;
        }

        var text = await readToken() ?? throw new JoinRefusedException("this agent has not joined yet and was given no join token (--join-token-file)");
        var token = JoinToken.TryParse(text) ?? throw new JoinRefusedException("the join token is not one: it looks like hfj1.SECRET.FINGERPRINT");
        var (key, request) = AgentIdentity.NewRequest();
        using (key)
        {
            var backoff = new Backoff(Pauses);
            while (true)
            {
                using var deadline = new CancellationTokenSource(CallDeadline, time);
                using var ends = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
                string reason;
                try
                {
                    var identity = AgentIdentity.Store(folder, key, await HttpServerLink.JoinAsync(server, token, request, facts, ends.Token));
                    LogJoined(server, identity.Incarnation);
                    return identity;
                }
                catch (LinkException exception)
                {
                    reason = exception.Message;
                }
                catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
                {
                    // Ours, or the time that the framework gives a connection, which it tells in the same way.
                    reason = deadline.IsCancellationRequested ? $"no answer within {CallDeadline.TotalSeconds:0} s" : exception.InnerException?.Message ?? exception.Message;
                }

                var pause = backoff.Next();
                LogNotJoined(server, reason, pause.TotalSeconds);
                await Task.Delay(pause, time, cancellationToken);
            }
        }
    }

    /// <summary>Renews the certificate when two thirds of its life are over.</summary>
    public async Task KeepAsync(AgentIdentity identity, HttpServerLink link, CancellationToken cancellationToken)
    {
        while (true)
        {
            var certificate = identity.Certificate;
            var due = certificate.NotBefore + ((certificate.NotAfter - certificate.NotBefore) * 2 / 3);
            if (time.GetUtcNow() >= due)
            {
                using var deadline = new CancellationTokenSource(CallDeadline, time);
                using var ends = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
                try
                {
                    var (key, request) = AgentIdentity.NewRequest();
                    using (key)
                    {
                        identity = AgentIdentity.Store(folder, key, await link.RenewAsync(request, ends.Token));
                    }

                    link.Use(identity);
                    LogRenewed(identity.Certificate.NotAfter);
                }
                catch (Exception exception) when (exception is LinkException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
                {
                    LogNotRenewed(certificate.NotAfter, exception.Message);
                }
            }

            await Task.Delay(CheckEvery, time, cancellationToken);
        }
    }

    [LoggerMessage(EventId = 1350, Level = LogLevel.Information, Message = "Joined the server at {Server} as incarnation {Incarnation}")]
    private partial void LogJoined(Uri server, string incarnation);

    [LoggerMessage(EventId = 1351, Level = LogLevel.Warning, Message = "The server at {Server} cannot be joined yet: {Reason}. Next try in {Seconds:0.0} s")]
    private partial void LogNotJoined(Uri server, string reason, double seconds);

    [LoggerMessage(EventId = 1352, Level = LogLevel.Information, Message = "The agent's certificate was renewed; it ends {NotAfter}")]
    private partial void LogRenewed(DateTime notAfter);

    [LoggerMessage(EventId = 1353, Level = LogLevel.Error, Message = "The agent's certificate, which ends {NotAfter}, was not renewed: {Reason}. It is tried again every hour")]
    private partial void LogNotRenewed(DateTime notAfter, string reason);
}
