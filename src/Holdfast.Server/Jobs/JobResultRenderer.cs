using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Hosts;
using Holdfast.Server.Machines;
using Holdfast.Server.Pools;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using Holdfast.Server.Volumes;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Jobs;

/// <summary>Writes the result of a job: the object it was about, as the account that asked may see it.</summary>
internal sealed class JobResultRenderer : IJobResultRenderer
{
    private static readonly JsonWriterOptions JsonOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <inheritdoc/>
    public async Task<string> RenderAsync(StoreConnection db, JobRow job, CancellationToken cancellationToken)
    {
        var type = await db.Accounts.Where(a => a.Id == job.AccountId).Select(a => (int?)a.Type).FirstOrDefaultAsync(cancellationToken);
        var viewer = UserDirectory.RoleOf(type ?? 0);
        switch (job.Kind)
        {
            case JobKind.ExpungeVm:
            case JobKind.DeleteTemplate:
                return Success();
            case JobKind.DeployVm:
            case JobKind.StartVm:
            case JobKind.StopVm:
            case JobKind.RebootVm:
            case JobKind.DestroyVm:
                var vm = await VirtualMachineReader.FindAsync(db, new VmId(job.InstanceId), cancellationToken);
                return vm is null ? Success() : Object(VirtualMachineView.Key, VirtualMachineView.View, vm, viewer);
            case JobKind.CreateVolume:
            case JobKind.AttachVolume:
            case JobKind.DetachVolume:
            case JobKind.ResizeVolume:
                var volume = await VolumeReader.FindAsync(db, new VolumeId(job.InstanceId), cancellationToken);
                return volume is null ? Success() : Object(VolumeView.Key, VolumeView.View, volume, viewer);
            case JobKind.EnableStorageMaintenance:
            case JobKind.CancelStorageMaintenance:
                var pool = await StoragePoolReader.FindAsync(db, new PoolId(job.InstanceId), cancellationToken);
                return pool is null ? Success() : Object(StoragePoolView.Key, StoragePoolView.View, pool, viewer);
            case JobKind.PrepareHostForMaintenance:
            case JobKind.CancelHostMaintenance:
                var host = await HostCommands.FindAsync(db, new HostId(job.InstanceId), cancellationToken);
                return host is null ? Success() : Object(HostCommands.HostKey, HostCommands.HostView, host, viewer);
            default:
                throw new ArgumentOutOfRangeException(nameof(job), job.Kind, "A kind of job without a result.");
        }
    }

    private static string Success() => """{"success":true}""";

    private static string Object<T>(string key, View<T> view, T row, Roles viewer)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, JsonOptions))
        {
            writer.WriteStartObject();
            writer.WritePropertyName(key);
            view.Write(writer, row, viewer);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
