using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Holdfast.Server.Security;
using Holdfast.Server.Store;
using LinqToDB.Async;

namespace Holdfast.Server.Agents;

/// <summary>Tells a host what the guests are told that its document has it run, and of no others.</summary>
internal sealed class GuestDesk
{
    private readonly Database _database;
    private readonly SecretBox _secrets;

    /// <summary>Made once per node.</summary>
    public GuestDesk(Database database, SecretBox secrets) => (_database, _secrets) = (database, secrets);

    /// <summary>What a guest is told; null: the host is not to run it.</summary>
    public Task<GuestTold?> TellAsync(IncarnationId incarnation, VmId id, CancellationToken cancellationToken) => _database.ReadAsync(
        async (db, ct) =>
        {
            if (!await db.HostItems.AnyAsync(i => i.IncarnationId == incarnation && i.Kind == ItemKind.Machine && i.Id == id.Value && i.Desired == Desired.Running, ct)
                || await db.Vms.FirstOrDefaultAsync(v => v.Id == id && v.Removed == null, ct) is not { } vm)
            {
                return null;
            }

            var zone = await db.Zones.SingleAsync(z => z.Id == vm.ZoneId, ct);
            return new GuestTold
            {
                VmId = vm.Id,
                Told = vm.Told,
                HostName = vm.Name,
                InstanceName = vm.InstanceName,
                ZoneName = zone.Name,
                ZoneId = zone.Id,
                OfferingName = await db.ServiceOfferings.Where(o => o.Id == vm.ServiceOfferingId).Select(o => o.Name).SingleAsync(ct),
                PublicKeys = StoredText.Map(vm.SshKeys),
                UserData = await db.VmUserData.Where(u => u.VmId == id).Select(u => u.Content).FirstOrDefaultAsync(ct),
                Variables = StoredText.Map(vm.UserDataDetails),
                Password = vm is { Password: { } password, PasswordTold: false } ? _secrets.Unseal(SecretPurpose.VmPassword(vm.Id), password) : null,
            };
        },
        cancellationToken);
}
