using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Limits;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Templates;

/// <inheritdoc/>
internal sealed class TemplateOperations : ITemplateOperations
{
    private readonly TurnFactory _turns;
    private readonly ImageSources _sources;

    /// <summary>Made once per node.</summary>
    public TemplateOperations(TurnFactory turns, ImageSources sources)
    {
        _turns = turns;
        _sources = sources;
    }

    /// <inheritdoc/>
    public async Task<Outcome<TemplateRow>> RegisterAsync(Caller caller, RegisterTemplate request, CancellationToken cancellationToken)
    {
        var fault = Check(caller, request, _sources.Allowed, out var url);
        if (fault is not null)
        {
            return new Outcome<TemplateRow>.Refused(fault);
        }

        return await _turns.RunAsync<Outcome<TemplateRow>>(
            async (turn, ct) =>
            {
                if (await caller.WhyNotOwnerAsync(turn.Db, ct) is { } ended)
                {
                    return new Outcome<TemplateRow>.Refused(ended);
                }

                if (request.ZoneId is { } zoneId)
                {
                    if (await turn.Db.Zones.FirstOrDefaultAsync(z => z.Id == zoneId && z.Removed == null, ct) is not { } zone)
                    {
                        return new Outcome<TemplateRow>.Refused(Faults.NoSuchEntity("registerTemplate", "zoneid", zoneId));
                    }

                    if (zone.AllocationState != AllocationStates.Enabled && !caller.IsRootAdmin)
                    {
                        return new Outcome<TemplateRow>.Refused(Faults.ZoneDisabled(zone.Id, zone.Name));
                    }
                }

                if (request.OsTypeId is { } osType && !await turn.Db.OsTypes.AnyAsync(o => o.Id == osType, ct))
                {
                    return new Outcome<TemplateRow>.Refused(Faults.NoSuchEntity("registerTemplate", "ostypeid", osType));
                }

                if (await ResourceLimits.WhyNotAsync(turn, caller.AccountId, new ResourceAmounts { Templates = 1 }, ct) is { } beyond)
                {
                    return new Outcome<TemplateRow>.Refused(beyond);
                }

                var row = new TemplateRow
                {
                    Id = new TemplateId(turn.NewId()),
                    AccountId = caller.AccountId,
                    ZoneId = request.ZoneId,
                    Name = request.Name.Trim(),
                    DisplayText = request.DisplayText ?? request.Name.Trim(),
                    Url = url!,
                    Format = request.Format.ToLowerInvariant(),
                    Checksum = request.Checksum,
                    Hypervisor = "KVM",
                    OsTypeId = request.OsTypeId ?? await turn.Db.OsTypes.Where(o => o.Description == OsTypeRow.Unknown).Select(o => (OsTypeId?)o.Id).FirstOrDefaultAsync(ct),
                    IsPublic = request.IsPublic,
                    IsFeatured = request.IsFeatured,
                    IsExtractable = request.IsExtractable,
                    PasswordEnabled = request.PasswordEnabled,
                    SshKeyEnabled = request.SshKeyEnabled,
                    RequiresHvm = request.RequiresHvm,
                    DynamicallyScalable = request.DynamicallyScalable,
                    Bits = request.Bits,
                    Details = StoredText.Of(request.Details),
                    State = TemplateState.Pending,
                    Status = "Waiting for a storage pool that is up",
                    Created = turn.Now,
                };
                await turn.Db.InsertAsync(row, token: ct);
                await turn.TellAsync(EventTypes.TemplateCreate, EventLevel.Info, EventState.Completed, $"Template {row.Name} ({row.Id}) was registered", caller.AccountId, caller.UserId, ResourceTypes.Template, row.Id.Value, row.Name, null, ct);
                await turn.Part<TemplateCopies>().SeedTemplateAsync(row, ct);
                return new Outcome<TemplateRow>.Done(await turn.Db.Templates.SingleAsync(t => t.Id == row.Id, ct));
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<Outcome<TemplateId>> LinkUserDataAsync(Caller caller, TemplateId templateId, UserDataId? userDataId, UserDataPolicy policy, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<TemplateId>>(
        async (turn, ct) =>
        {
            const string command = "linkUserDataToTemplate";
            var owners = caller.Accounts(turn.Db);
            var template = await turn.Db.Templates.FirstOrDefaultAsync(t => t.Id == templateId && t.Removed == null && owners.Any(a => a.Id == t.AccountId), ct);
            if (template is null)
            {
                return new Outcome<TemplateId>.Refused(Faults.NoSuchEntity(command, "templateid", templateId));
            }

            string? name = null;
            if (userDataId is { } id
                && (name = await turn.Db.UserData.Where(u => u.Id == id && owners.Any(a => a.Id == u.AccountId)).Select(u => u.Name).FirstOrDefaultAsync(ct)) is null)
            {
                return new Outcome<TemplateId>.Refused(Faults.NoSuchEntity(command, "userdataid", id));
            }

            await turn.Db.UpdateAsync(template with { UserDataId = userDataId, UserDataPolicy = userDataId is null ? null : policy }, token: ct);
            var text = name is null ? "have no user data of its own any more" : $"have user data {name} ({userDataId}), {policy.ToString().ToUpperInvariant()}";
            await turn.TellAsync(
                EventTypes.TemplateUpdate, EventLevel.Info, EventState.Completed, $"VMs of template {template.Name} ({template.Id}) {text}", caller.AccountId, caller.UserId, ResourceTypes.Template, template.Id.Value, template.Name, null, ct);
            return new Outcome<TemplateId>.Done(template.Id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<TemplateRow>> UpdateAsync(Caller caller, UpdateTemplate request, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<TemplateRow>>(
        async (turn, ct) =>
        {
            var (template, fault) = await OwnAsync(turn, caller, request.Id, "updateTemplate", ct);
            if (template is null)
            {
                return new Outcome<TemplateRow>.Refused(fault!);
            }

            if (request.Name is { } name && (string.IsNullOrWhiteSpace(name) || name.Length > 255))
            {
                return new Outcome<TemplateRow>.Refused(Faults.Invalid("The template's name must have 1 to 255 characters"));
            }

            if (request.Format is { } format && !format.Equals(template.Format, StringComparison.OrdinalIgnoreCase))
            {
                return new Outcome<TemplateRow>.Refused(Faults.Invalid($"Parameter format is {format}, and template {template.Name} ({template.Id}) is {template.Format.ToUpperInvariant()}: an image is not converted"));
            }

            var changed = template with
            {
                Name = request.Name?.Trim() ?? template.Name,
                DisplayText = request.DisplayText ?? template.DisplayText,
                OsTypeId = request.OsTypeId ?? template.OsTypeId,
                PasswordEnabled = request.PasswordEnabled ?? template.PasswordEnabled,
                SshKeyEnabled = request.SshKeyEnabled ?? template.SshKeyEnabled,
                RequiresHvm = request.RequiresHvm ?? template.RequiresHvm,
                DynamicallyScalable = request.DynamicallyScalable ?? template.DynamicallyScalable,
                Details = request.Details is { } details ? StoredText.Of(details) : template.Details,
            };
            await turn.Db.UpdateAsync(changed, token: ct);
            await turn.TellAsync(EventTypes.TemplateUpdate, EventLevel.Info, EventState.Completed, $"Template {changed.Name} ({changed.Id}) was changed", caller.AccountId, caller.UserId, ResourceTypes.Template, changed.Id.Value, changed.Name, null, ct);
            return new Outcome<TemplateRow>.Done(changed);
        },
        cancellationToken);

    // One that the caller may change; or why not.
    private static async Task<(TemplateRow? Template, ApiFault? Fault)> OwnAsync(Turn turn, Caller caller, TemplateId id, string command, CancellationToken cancellationToken)
    {
        var template = await turn.Db.Templates.FirstOrDefaultAsync(t => t.Id == id && t.Removed == null, cancellationToken);
        var isOwn = template is not null && await caller.Accounts(turn.Db).AnyAsync(a => a.Id == template.AccountId, cancellationToken);
        return template is null || !(isOwn || template.IsPublic) ? (null, Faults.NoSuchEntity(command, "id", id))
            : isOwn ? (template, null)
            : (null, Faults.PermissionDenied($"Template {template.Name} ({template.Id}) belongs to another account"));
    }

    /// <inheritdoc/>
    public Task<JobOutcome> DeleteAsync(Caller caller, TemplateId templateId, CancellationToken cancellationToken) => _turns.RunAsync<JobOutcome>(
        async (turn, ct) =>
        {
            var (template, fault) = await OwnAsync(turn, caller, templateId, "deleteTemplate", ct);
            if (template is null)
            {
                return new JobOutcome.Refused(fault!);
            }

            var deploying = await (from v in turn.Db.Vms
                                   join d in turn.Db.Volumes on v.Id equals d.VmId
                                   where ((v.TemplateId == templateId && v.State == VmState.Starting) || (d.TemplateId == templateId && d.Replaces != null)) && v.Removed == null
                                       && d.Type == VolumeType.Root && (d.State == VolumeState.Allocated || d.State == VolumeState.Creating)
                                   orderby v.Name
                                   select new { v.Name, v.Id }).ToListAsync(ct);
            if (deploying.Count > 0)
            {
                var names = string.Join(", ", deploying.Select(v => $"{v.Name} ({v.Id})"));
                return new JobOutcome.Refused(Faults.Invalid($"Template {template.Name} ({template.Id}) is being deployed to: {names}"));
            }

            await turn.Part<TemplateCopies>().DeleteTemplateAsync(template, ct);

            var job = await turn.AddJobAsync(caller.AccountId, caller.UserId, JobKind.DeleteTemplate, ResourceTypes.Template, templateId.Value, $"deleting template {template.Name} ({template.Id})", turn.Timings.Of(JobKind.DeleteTemplate), ct);
            await turn.CompleteJobAsync(job.Id, ct);
            return new JobOutcome.Accepted(job.Id, templateId.Value);
        },
        cancellationToken);

    private static ApiFault? Check(Caller caller, RegisterTemplate request, IReadOnlyList<string> allowedHosts, out string? url)
    {
        url = null;
        if (string.IsNullOrWhiteSpace(request.Name) || request.Name.Length > 255)
        {
            return Faults.Invalid("The template's name must have 1 to 255 characters");
        }

        if (request.Format.ToUpperInvariant() is not ("QCOW2" or "RAW"))
        {
            return Faults.Invalid($"Invalid format: {request.Format}. Supported formats are QCOW2 and RAW");
        }

        if (!request.Hypervisor.Equals("KVM", StringComparison.OrdinalIgnoreCase))
        {
            return Faults.Invalid($"Invalid hypervisor: {request.Hypervisor}. The only hypervisor is KVM");
        }

        if (request.Checksum is { } checksum && !IsChecksum(checksum))
        {
            return Faults.Invalid($"Invalid checksum {checksum}: it is {{ALGORITHM}}hexadecimal or plain hexadecimal of MD5, SHA-1, SHA-256 or SHA-512");
        }

        url = TemplateUrl.Check(request.Url, caller.IsRootAdmin, allowedHosts, out var fault);
        return fault;
    }

    private static bool IsChecksum(string text)
    {
        var hex = text;
        int? length = null;
        if (text.StartsWith('{') && text.IndexOf('}', StringComparison.Ordinal) is > 1 and var end)
        {
            length = text[1..end].ToUpperInvariant() switch
            {
                "MD5" => 32,
                "SHA-1" or "SHA1" => 40,
                "SHA-256" or "SHA256" => 64,
                "SHA-512" or "SHA512" => 128,
                _ => -1,
            };
            hex = text[(end + 1)..];
        }

        return hex.All(char.IsAsciiHexDigit) && (length is null ? hex.Length is 32 or 40 or 64 or 128 : hex.Length == length);
    }
}
