using System.Text.Json;
using Holdfast.Server.Tests.Hosts;
using Holdfast.Server.Tests.Reconcile;
using Holdfast.Testing;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Clients;

/// <summary>
/// Ansible (Debian package ansible-core) with the collection ngine_io.cloudstack (fetched by eng/ansible) against a server with a host that does what it is told. Each play runs twice: first
/// every task changes something, then none does.
/// </summary>
public sealed class AnsibleTests : NodeTests
{
    private const string Program = "/usr/bin/ansible-playbook";
    private const int NotToBeHad = 75;
    private const string PublicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBzDMMf8QmSFJRGkNpmKmGZnYxlm5yPKlYVdfPqRTuzp someone@example";

    protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);

    [Fact]
    public async Task Plays_change_everything_once_and_nothing_the_second_time()
    {
        Assert.SkipUnless(File.Exists(Program), "the Debian package ansible-core is not installed");
        var fetched = await Tool.TryAsync(TimeSpan.FromMinutes(6), Path.Combine(ClientProgram.Repository(), "eng", "ansible", "build"));
        Assert.SkipWhen(fetched.Code == NotToBeHad, $"Ansible's collection is not to be had: {fetched.Error}");
        fetched.Code.ShouldBe(0, fetched.Error);
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        await Node.AddTemplateAsync();
        var keys = await ClientProgram.KeysOfAdminAsync(Node);
        var variables = JsonSerializer.Serialize(new
        {
            zone = await Node.ReadAsync(db => db.Zones.Select(z => z.Name).FirstAsync()),
            host = await Node.ReadAsync(db => db.Hosts.Select(h => h.Name).FirstAsync()),
            publickey = PublicKey,
        });

        using var over = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var reporting = agent.KeepReportingAsync(over.Token);
        foreach (var play in new[] { "present", "changed", "absent", "gone" })
        {
            (await PlayAsync(play)).ShouldBe([], $"tasks of {play}.yml that changed nothing at first");
            (await PlayAsync(play, isSecond: true)).ShouldBe([], $"tasks of {play}.yml that changed something the second time");
        }

        await over.CancelAsync();
        await reporting;

        async Task<string[]> PlayAsync(string play, bool isSecond = false)
        {
            var (code, output, error) = await ClientProgram.RunAsync(
                Program,
                [Path.Combine(ClientProgram.OwnFolder(), "ansible", play + ".yml"), "--inventory", "localhost,", "--extra-vars", variables],
                new()
                {
                    ["ANSIBLE_COLLECTIONS_PATH"] = fetched.Output.Trim(),
                    ["ANSIBLE_STDOUT_CALLBACK"] = "ansible.posix.json",
                    ["ANSIBLE_PIPELINING"] = "1",
                    ["ANSIBLE_PYTHON_INTERPRETER"] = "/usr/bin/python3",
                    ["ANSIBLE_HOME"] = Path.Combine(Node.Folder, "ansible"),
                    ["ANSIBLE_LOCAL_TEMP"] = Path.Combine(Node.Folder, "ansible", "tmp"),
                    ["CLOUDSTACK_ENDPOINT"] = new Uri(Node.Api, "/client/api").ToString(),
                    ["CLOUDSTACK_KEY"] = keys.ApiKey,
                    ["CLOUDSTACK_SECRET"] = keys.SecretKey,
                },
                Token);
            output.ShouldContain("\"plays\"", Case.Sensitive, error);
            using var told = JsonDocument.Parse(output[output.IndexOf('{', StringComparison.Ordinal)..]);
            var tasks = told.RootElement.GetProperty("plays")[0].GetProperty("tasks").EnumerateArray()
                .Select(task => (Name: task.GetProperty("task").GetProperty("name").GetString()!, Result: task.GetProperty("hosts").GetProperty("localhost"))).ToArray();
            code.ShouldBe(0, $"{play}.yml: " + string.Join(Environment.NewLine, tasks.Where(task => task.Result.TryGetProperty("failed", out _)).Select(task => task.Name + ": " + task.Result)) + error);
            return [.. tasks.Where(task => task.Result.GetProperty("changed").GetBoolean() == isSecond).Select(task => task.Name)];
        }
    }
}
