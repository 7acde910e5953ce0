namespace Holdfast.Cli.CloudStack;

/// <summary>An API call that the caller cannot go on without did not succeed.</summary>
internal sealed class ApiFaultException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="command">The command.</param>
    /// <param name="reply">How it ended.</param>
    public ApiFaultException(string command, ApiReply reply)
        : base(reply switch
        {
            ApiReply.Refused refused => $"{command} was refused: {refused.Code} {refused.Text}",
            ApiReply.NoAnswer none => none.Text,
            _ => $"{command}: {reply}",
        }) => Reply = reply;

    /// <summary>How it ended.</summary>
    public ApiReply Reply { get; }
}
