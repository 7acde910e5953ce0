using System.Runtime.CompilerServices;
using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Startup;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>
/// Requests of clients written in Go, as they were recorded (go-client-requests.json; ids are made anew): each works, or answers what docs/api.md says of its command and its
/// parameters.
/// </summary>
public sealed class GoClientTests(RealApiHost host) : IClassFixture<RealApiHost>
{
    private static readonly Recorded[] All = JsonSerializer.Deserialize<Recorded[]>(File.ReadAllText(Path.Combine(Folder(), "go-client-requests.json")), JsonSerializerOptions.Web)!;

    // Commands that are not there. It only shrinks.
    private static readonly string[] NotThere =
    [
        "associateIpAddress", "authorizeSecurityGroupIngress", "createEgressFirewallRule", "createFirewallRule", "createLoadBalancerRule", "createNetworkACLList",
        "createSecurityGroup", "createSnapshot", "createVPC", "listEgressFirewallRules", "listFirewallRules", "listNetworkOfferings", "listSnapshots",
    ];

    // What the recorded values themselves are refused for, by what CloudStack refuses, too, or by what the object that is made for the id is like.
    private static readonly (string Command, string Text)[] RefusedValues =
    [
        ("createStoragePool", "there is no host up in its scope"),
        ("createUser", "missing parameter account"),
        ("createVolume", "does not allow custom disk size"),
        ("deployVirtualMachine", "Invalid parameter serviceofferingid value=bad"),
        ("detachVolume", "The specified volume is not attached to a VM."),
        ("listStorageProviders", "Invalid parameter type value=all"),
        ("listVirtualMachines", "\"pagesize\" parameter is required"),
        ("login", "Failed to authenticate user admin"),
        ("recoverVirtualMachine", "is not in the right state"),
        ("registerSSHKeyPair", "Public key is invalid"),
        ("registerTemplate", "127.0.0.1 is a loopback"),
        ("registerUserData", "userdata"),
        ("resizeVolume", "does not allow custom disk size"),
        ("resizeVolume", "Volumes only grow"),
        ("updateResourceLimit", "is a root administrator's, which has no limits"),
    ];

    public static TheoryData<int, string, string> Requests => [.. All.Select((r, i) => (i, r.Client, r.Command))];

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task A_recorded_request_works_or_is_refused_by_name(int number, string client, string name)
    {
        var recorded = All[number];
        var parameters = new List<(string Name, string Value)>();
        foreach (var (key, value) in recorded.Params)
        {
            parameters.Add((key, value == "{id}" ? await IdAsync(name, key) : value));
        }

        var answer = await host.SendAsync(host.Admin, new HttpMethod(recorded.Method), name, [.. parameters]);

        var what = $"{client}: {name} {string.Join('&', parameters.Select(p => $"{p.Name}={p.Value}"))}: {answer.Text}";
        if (ServerCommands.Table.Find(name) is not { } command)
        {
            answer.Code.ShouldBe(401, what);
            NotThere.ShouldContain(name, what);
        }
        else if (answer.Code != 200)
        {
            var text = answer.ErrorText.ShouldNotBeNull(what);
            var refused = ForeignParameters.Of(command)
                .Where(f => f.Treatment == ParameterTreatment.Refused && recorded.Params.Keys.Any(k => k == f.Name || k.StartsWith(f.Name + "[", StringComparison.Ordinal)))
                .Any(f => text.StartsWith($"Parameter {f.Name} of {command.Name} is not supported", StringComparison.Ordinal));
            (refused || RefusedValues.Any(r => r.Command == name && text.Contains(r.Text, StringComparison.Ordinal))).ShouldBeTrue(what);
        }
    }

    [Fact]
    public void What_is_there_by_now_is_not_said_to_be_missing() => NotThere.Where(name => ServerCommands.Table.Find(name) is not null).ShouldBeEmpty();

    private async Task<string> IdAsync(string command, string parameter)
    {
        var kind = parameter == "resourceids" ? typeof(VmId) : ServerCommands.Table.Find(command)?.Parameters.FirstOrDefault(p => p.Name == parameter)?.Entity?.IdType;
        return (kind is null ? Guid.NewGuid() : await CommandTableTests.EntityAsync(host, kind, host.Admin)).ToString();
    }

    private static string Folder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

    private sealed record Recorded(string Client, string Method, string Command, Dictionary<string, string> Params);
}
