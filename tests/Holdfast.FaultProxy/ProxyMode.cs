namespace Holdfast.FaultInjection;

/// <summary>What a <see cref="FaultProxy"/> does to the connections through it.</summary>
public enum ProxyMode
{
    /// <summary>Passes every byte both ways, untouched.</summary>
    Pass,

    /// <summary>Connects are refused; open connections are reset.</summary>
    Refuse,

    /// <summary>Connects get no answer at all; open connections fall silent both ways, and go on where they were when this is lifted.</summary>
    Blackhole,

    /// <summary>Connects are accepted and bytes are taken, nothing is passed on and nothing comes back; a connection that met this stays so for ever.</summary>
    Silence,

    /// <summary>The first bytes of every answer come <see cref="ProxyFault.Delay"/> late.</summary>
    SlowHeaders,

    /// <summary>The head of an answer comes at once, then a byte every <see cref="ProxyFault.Delay"/>.</summary>
    SlowBody,

    /// <summary>The first half of what comes of an answer, then an orderly end.</summary>
    Truncate,

    /// <summary>What the client sends is not passed on; it gets bytes that are no protocol, then an orderly end.</summary>
    Garbage,

    /// <summary>Connects are accepted; at the first byte in either direction both sides are reset.</summary>
    Reset,

    /// <summary>What clients send is lost, what they are sent arrives. Connects get no answer, as their first packet is lost; open connections go on when this is lifted.</summary>
    LosesRequests,

    /// <summary>What clients are sent is lost, what they send arrives. Connects get no answer, as it is lost; open connections go on when this is lifted.</summary>
    LosesAnswers,

    /// <summary>Everything arrives, <see cref="ProxyFault.Delay"/> late each way.</summary>
    Latency,
}
