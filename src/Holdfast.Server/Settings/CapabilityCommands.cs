using Holdfast.Server.Api.Commands;

namespace Holdfast.Server.Settings;

/// <summary>listCapabilities: what clients ask to know what they talk to.</summary>
internal static class CapabilityCommands
{
    private static readonly string Version = typeof(CapabilityCommands).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    private static readonly View<SettingValues> View = Api.Commands.View<SettingValues>.Build(v => v
        .Text("cloudstackversion", "the version of the CloudStack API that is spoken", _ => ManagementServerCommands.CloudStackVersion)
        .Text("holdfastversion", "the version of this server", _ => Version)
        .Bool("securitygroupsenabled", "always false: there are no security groups", _ => false)
        .Bool("dynamicrolesenabled", "always true: roles have rules", _ => true)
        .Bool("userpublictemplateenabled", "true: users may register public templates", _ => true)
        .Text("supportELB", "always false: there are no load balancers", _ => "false")
        .Bool("projectinviterequired", "always false: who is added to a project is in it at once", _ => false)
        .Bool("allowusercreateprojects", "whether users who administer nothing may make projects (setting allow.user.create.projects)", settings => settings[Setting.UsersMakeProjects])
        .Bool("dynamicscalingenabled", "whether running VMs may be given another size (setting enable.dynamic.scale.vm)", settings => settings[Setting.DynamicScaling])
        .Long("customdiskofferingminsize", "the smallest volume in GiB", _ => 1)
        .Bool("regionsecondaryenabled", "always false", _ => false)
        .Bool("kvmsnapshotenabled", "always false: there are no snapshots of running VMs", _ => false)
        .Bool("allowuserviewdestroyedvm", "true: users see their destroyed VMs", _ => true)
        .Bool("allowuserexpungerecovervm", "true: users may expunge and recover their VMs", _ => true)
        .Bool("allowuserexpungerecovervolume", "true: users may expunge and recover their volumes", _ => true)
        .Long("defaultuipagesize", "rows in a page of a user interface", _ => 20));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listCapabilities",
            Description = "Answers with what this installation can do",
            Roles = Roles.Authenticated,
            Parameters = [],
            Response = ResponseShape.Of("capability", View),
            Handler = async (call, ct) => ApiResult.Object(
                "capability",
                View,
                await call.Services.Database.ReadAsync((db, read) => SettingValues.ReadAsync(db, call.Services.Timings, read), ct)),
        },
    ];
}
