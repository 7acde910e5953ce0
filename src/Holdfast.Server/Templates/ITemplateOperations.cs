using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Templates;

/// <summary>What a template is to be.</summary>
internal sealed record RegisterTemplate
{
    public required string Name { get; init; }

    public string? DisplayText { get; init; }

    /// <summary>http, https, or file for an image below a host's directory of local images (root administrators only).</summary>
    public required string Url { get; init; }

    /// <summary>QCOW2 or RAW, any case.</summary>
    public required string Format { get; init; }

    /// <summary>KVM.</summary>
    public required string Hypervisor { get; init; }

    public string? Checksum { get; init; }

    /// <summary>Null: all zones.</summary>
    public ZoneId? ZoneId { get; init; }

    public OsTypeId? OsTypeId { get; init; }

    public bool IsPublic { get; init; }

    public bool IsFeatured { get; init; }

    public bool IsExtractable { get; init; }

    public bool PasswordEnabled { get; init; }

    public bool SshKeyEnabled { get; init; }

    public bool RequiresHvm { get; init; } = true;

    public bool DynamicallyScalable { get; init; }

    public int Bits { get; init; } = 64;

    public IReadOnlyDictionary<string, string> Details { get; init; } = new Dictionary<string, string>();
}

/// <summary>What to change of a template; null leaves a field.</summary>
internal sealed record UpdateTemplate
{
    public required TemplateId Id { get; init; }

    public string? Name { get; init; }

    public string? DisplayText { get; init; }

    /// <summary>As it is.</summary>
    public string? Format { get; init; }

    public OsTypeId? OsTypeId { get; init; }

    public bool? PasswordEnabled { get; init; }

    public bool? SshKeyEnabled { get; init; }

    public bool? RequiresHvm { get; init; }

    public bool? DynamicallyScalable { get; init; }

    /// <summary>All its details.</summary>
    public IReadOnlyDictionary<string, string>? Details { get; init; }
}

/// <summary>Templates.</summary>
internal interface ITemplateOperations
{
    /// <summary>
    /// registerTemplate. Answers at once, not ready. A pool that is Up is told to import it; the template is ready when the first checked copy is there, and
    /// failed with the host's words when it cannot be imported. Errors: 431 for a format other than QCOW2 and RAW, a hypervisor other than KVM, a URL of another
    /// scheme or to an address that the egress guard refuses, a malformed checksum, unknown zone or OS type; 531 for a file URL by others than root
    /// administrators.
    /// </summary>
    Task<Outcome<TemplateRow>> RegisterAsync(Caller caller, RegisterTemplate request, CancellationToken cancellationToken);

    /// <summary>updateTemplate. Errors: 431 unknown id, a blank name, another format; 531 somebody else's template.</summary>
    Task<Outcome<TemplateRow>> UpdateAsync(Caller caller, UpdateTemplate request, CancellationToken cancellationToken);

    /// <summary>
    /// deleteTemplate. The job is done at once; what pools hold of it is deleted through the ledger. Errors: 431 unknown id; 531 somebody else's template; 431
    /// when VMs are being deployed from it.
    /// </summary>
    Task<JobOutcome> DeleteAsync(Caller caller, TemplateId templateId, CancellationToken cancellationToken);

    /// <summary>linkUserDataToTemplate: VMs that are made, reset or restored from now on have it. 431 unknown ids.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="templateId">The template.</param>
    /// <param name="userDataId">The registered user data; null: none any more.</param>
    /// <param name="policy">What becomes of it when a VM is given its own.</param>
    /// <param name="cancellationToken">The request ended.</param>
    Task<Outcome<TemplateId>> LinkUserDataAsync(Caller caller, TemplateId templateId, UserDataId? userDataId, UserDataPolicy policy, CancellationToken cancellationToken);
}
