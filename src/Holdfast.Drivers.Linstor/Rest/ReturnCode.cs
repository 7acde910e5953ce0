namespace Holdfast.Drivers.Linstor.Rest;

/// <summary>How serious an entry of a LINSTOR answer is.</summary>
internal enum ReturnType
{
    /// <summary>It was done.</summary>
    Success,

    /// <summary>A remark.</summary>
    Info,

    /// <summary>Accepted, but not all of it is true yet.</summary>
    Warn,

    /// <summary>Refused or failed.</summary>
    Error,
}

/// <summary>
/// LINSTOR's signed 64-bit return code. The type is the two top bits compared as a whole (negative alone also matches warnings); what happened is the low
/// 15 bits. The object and operation bits between come from the outer call and are not looked at.
/// </summary>
/// <param name="Value">As on the wire.</param>
internal readonly record struct ReturnCode(long Value)
{
    private const ulong TypeMask = 0xC000_0000_0000_0000;

    /// <summary>The request body was not understood; LINSTOR refuses unknown fields, whatever the HTTP status says.</summary>
    public const long ParseFailure = -3458764513820540931;

    /// <summary>How serious it is.</summary>
    public ReturnType Type => (ReturnType)(((ulong)Value & TypeMask) >> 62);

    /// <summary>What happened.</summary>
    public int Code => (int)(Value & 0x7FFF);

    /// <summary>Whether the entry reports a failure.</summary>
    public bool IsError => Type == ReturnType.Error;

    /// <summary>Whether the entry reports something accepted but not finished.</summary>
    public bool IsWarning => Type == ReturnType.Warn;

    /// <summary>Whether the controller did not understand the request.</summary>
    public bool IsParseFailure => Value == ParseFailure;

    /// <inheritdoc/>
    public override string ToString() => $"{Type} {Code}";
}
