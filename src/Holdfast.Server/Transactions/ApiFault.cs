namespace Holdfast.Server.Transactions;

/// <summary>An error as CloudStack clients know it. Made by <see cref="Faults"/> only, so that all texts and codes are in one place.</summary>
/// <param name="ErrorCode">HTTP status and <c>errorcode</c>.</param>
/// <param name="CsErrorCode"><c>cserrorcode</c>.</param>
/// <param name="Text"><c>errortext</c>.</param>
internal sealed record ApiFault(int ErrorCode, int CsErrorCode, string Text)
{
    /// <summary>
    /// Whether users other than root administrators may read the text. Others get CloudStack's generic sentence for 530, 533 and 534 (parameter errors are
    /// always shown).
    /// </summary>
    public bool IsPublic => ErrorCode is 431 or 401 or 432 or 430 or 531 or 536;
}
