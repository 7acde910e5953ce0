using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using LinqToDB;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Hosts;

/// <summary>Commands that add and change hosts.</summary>
internal static class HostChangeCommands
{
    // Terraform and Ansible send both with every host. A refusal would not unsend them, and would leave these clients without hosts.
    private const string NoLogin = "nobody logs in to a host: its agent joins by itself. It is neither kept nor logged; send any text";

    private static readonly ValueParameter<ZoneId> Zone = Id<ZoneId>("zoneid", "its zone", required: true);
    private static readonly ValueParameter<PodId> Pod = Id<PodId>("podid", "its pod", required: true);
    private static readonly TextParameter Hypervisor = Text("hypervisor", "only KVM", required: true);
    private static readonly TextParameter Url = Text("url", "its name or IPv4 address, such as http://kvm1.example.org; the host is called that", required: true);
    private static readonly ValueParameter<ClusterId> Cluster = Id<ClusterId>("clusterid", "its cluster; the one that clustername names, or the only one of the pod, when not sent");
    private static readonly TextParameter ClusterName = Text("clustername", "the name of its cluster, whatever its case");
    private static readonly TextParameter NewState = Text("allocationstate", "Enabled, or Disabled: it takes no VMs when it has joined");
    private static readonly ListParameter<string> NewTags = Texts("hosttags", "its tags, comma-separated: VMs whose service offering names tags start on hosts that have all of them");
    private static readonly TextParameter UserName = Text("username", "a user of the host", noEffect: NoLogin);
    private static readonly TextParameter Password = Text("password", "the password of that user", secret: true, noEffect: NoLogin);

    private static readonly ValueParameter<HostId> Host = Id<HostId>("id", "the id of the host", required: true);
    private static readonly TextParameter Name = Text("name", "another name; no other host of the zone has it");
    private static readonly TextParameter State = Text("allocationstate", "Disable: it takes no VMs any more, what runs goes on; Enable: it takes them again");
    private static readonly ListParameter<string> Tags = Texts("hosttags", "the tags, comma-separated, instead of those it has; empty: none", clearable: true);

    private static readonly TextParameter Annotation = Text("annotation", "a comment to make on the host; listAnnotations tells all", length: 4096, multiLine: true);

    private static readonly View<Added> AddedView = View<Added>.Build(v => v
        .Include(HostCommands.HostView, a => a.Entry)
        .Text("jointoken", "the token with which its agent joins; shown this once, createHostJoinToken makes another", a => a.Token.Token)
        .Date("jointokenexpires", "when the token ends", a => a.Token.Expires)
        .Text("joincommand", "the command that makes the machine this host; it reads the token from standard input", a => a.Command));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "addHost",
            Description = "Makes a host that is to join, and the token with which its agent does; answers a list of it. Nobody calls the machine",
            Roles = Roles.RootAdmin,
            Parameters = [Zone, Pod, Hypervisor, Url, Cluster, ClusterName, NewState, NewTags, UserName, Password],
            Response = ResponseShape.Of(HostCommands.HostKey, AddedView),
            Handler = AddAsync,
        },
        new()
        {
            Name = "updateHost",
            Description = "Changes what a host is called, its tags, and whether it takes VMs",
            Roles = Roles.RootAdmin,
            Parameters = [Host, Name, State, Tags, Annotation],
            Response = ResponseShape.Of(HostCommands.HostKey, HostCommands.HostView),
            Handler = async (call, ct) => await (await call.Services.Of<IHostOperations>().UpdateAsync(
                call.Caller.ForOperations,
                new UpdateHost { Id = call.Require(Host), Name = call.Get(Name), AllocationState = call.Get(State), Tags = call.Get(Tags), Annotation = call.Get(Annotation) },
                ct)).ToResultAsync(async id => ApiResult.Object(HostCommands.HostKey, HostCommands.HostView, await FindAsync(call, id, ct))),
        },
        new()
        {
            Name = "reconnectHost",
            Description = "Has a host connect anew: it tells what it is, and is told what is wanted of it since it last heard. Guests do not notice",
            Roles = Roles.RootAdmin,
            IsAsync = true,
            Parameters = [Host],
            Response = ResponseShape.Of(HostCommands.HostKey, HostCommands.HostView),
            Handler = async (call, ct) => (await call.Services.Of<IHostOperations>().ReconnectAsync(call.Caller.ForOperations, call.Require(Host), ct)).ToResult(),
        },
        PlacementTags.List("listHostTags", "hosttag", "hosts", db => db.Hosts.Where(h => h.Removed == null).Select(h => h.HostTags)),
    ];

    private static async Task<ApiResult> AddAsync(CommandCall call, CancellationToken cancellationToken)
    {
        if (call.Require(Hypervisor) is var hypervisor && !hypervisor.Equals("KVM", StringComparison.OrdinalIgnoreCase))
        {
            return ApiError.InvalidParameter($"Parameter hypervisor is only KVM, not {hypervisor}");
        }

        var outcome = await call.Services.Of<IHostOperations>().AddAsync(
            call.Caller.ForOperations,
            new AddHost
            {
                ZoneId = call.Require(Zone),
                PodId = call.Require(Pod),
                ClusterId = call.Get(Cluster),
                ClusterName = call.Get(ClusterName),
                Url = call.Require(Url),
                Tags = call.Get(NewTags) ?? [],
                AllocationState = call.Get(NewState),
            },
            cancellationToken);
        return await outcome.ToResultAsync(async added => ApiResult.List(
            HostCommands.HostKey, AddedView, [new Added(await FindAsync(call, added.Id, cancellationToken), added.Token, call.Services.Of<JoinPlace>().Command)], 1));
    }

    private static async Task<HostCommands.HostEntry> FindAsync(CommandCall call, HostId id, CancellationToken cancellationToken) =>
        await call.Services.Database.ReadAsync((db, ct) => HostCommands.FindAsync(db, id, ct), cancellationToken) ?? throw new InvalidOperationException($"Host {id} is not there.");

    private sealed record Added(HostCommands.HostEntry Entry, JoinTokenIssued Token, string Command);
}
