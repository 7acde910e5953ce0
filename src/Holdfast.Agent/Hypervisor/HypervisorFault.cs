namespace Holdfast.Agent.Hypervisor;

/// <summary>Why a call to the hypervisor did not do what it was asked.</summary>
internal abstract record HypervisorFault
{
    private HypervisorFault()
    {
    }

    /// <summary>Whether the call may have had its effect all the same: the truth has to be re-read before anything is concluded.</summary>
    public abstract bool EffectUnknown { get; }

    /// <summary>One sentence for an operator.</summary>
    public abstract string Message { get; }

    /// <summary>There is no connection to the hypervisor's daemon; nothing was done.</summary>
    internal sealed record Unavailable(string Detail) : HypervisorFault
    {
        /// <inheritdoc/>
        public override bool EffectUnknown => false;

        /// <inheritdoc/>
        public override string Message => $"the hypervisor is not reachable: {Detail}";
    }

    /// <summary>All threads of the lane are busy or stuck and its queue is full, or an earlier call about the same is under way; nothing was done.</summary>
    internal sealed record Saturated(string Lane) : HypervisorFault
    {
        /// <inheritdoc/>
        public override bool EffectUnknown => false;

        /// <inheritdoc/>
        public override string Message => $"the hypervisor lane '{Lane}' is full or at an earlier call";
    }

    /// <summary>The hypervisor looked at the request and said no; nothing was done.</summary>
    /// <param name="Code">libvirt's error code, or 0 when the refusal is the adapter's own.</param>
    /// <param name="Detail">The hypervisor's own words.</param>
    internal sealed record Refused(int Code, string Detail) : HypervisorFault
    {
        /// <inheritdoc/>
        public override bool EffectUnknown => false;

        /// <inheritdoc/>
        public override string Message => Detail;
    }

    /// <summary>No answer within the deadline.</summary>
    internal sealed record TimedOut(string Operation, TimeSpan After) : HypervisorFault
    {
        /// <inheritdoc/>
        public override bool EffectUnknown => true;

        /// <inheritdoc/>
        public override string Message => $"the hypervisor did not answer '{Operation}' within {After.TotalSeconds:0.#} s";
    }

    /// <summary>The connection broke while the call was under way.</summary>
    internal sealed record ConnectionLost(string Detail) : HypervisorFault
    {
        /// <inheritdoc/>
        public override bool EffectUnknown => true;

        /// <inheritdoc/>
        public override string Message => $"the connection to the hypervisor broke: {Detail}";
    }
}
