using System.Data.Common;
using System.Text.RegularExpressions;
using LinqToDB.Interceptors;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>Which index finds the rows of a list's page: what a filter is worth in a large installation. docs/performance.md has the filters that have none, and why.</summary>
public sealed class ListPlanTests(PlannedApiHost host) : IClassFixture<PlannedApiHost>
{
    [Theory]
    [InlineData("listVirtualMachines", "", "", "vms_created")]
    [InlineData("listVirtualMachines", "name", "x", "vms_name")]
    [InlineData("listVirtualMachines", "state", "Stopped", "vms_state")]
    [InlineData("listVirtualMachines", "templateid", "template", "vms_template")]
    [InlineData("listVirtualMachines", "serviceofferingid", "offering", "vms_offering")]
    [InlineData("listVirtualMachines", "hostid", "host", "vms_host")]
    [InlineData("listVirtualMachines", "clusterid", "cluster", "vms_host")]
    [InlineData("listVirtualMachines", "storageid", "pool", "volumes_pool")]
    [InlineData("listVolumes", "", "", "volumes_created")]
    [InlineData("listVolumes", "name", "x", "volumes_name")]
    [InlineData("listVolumes", "state", "Ready", "volumes_state")]
    [InlineData("listVolumes", "virtualmachineid", "vm", "volumes_vm")]
    [InlineData("listVolumes", "storageid", "pool", "volumes_pool")]
    [InlineData("listVolumes", "hostid", "host", "vms_host")]
    [InlineData("listHosts", "", "", "hosts_created")]
    [InlineData("listHosts", "name", "x", "hosts_name")]
    [InlineData("listHosts", "clusterid", "cluster", "hosts_cluster")]
    public async Task A_page_is_found_by(string command, string filter, string value, string index)
    {
        var offering = Rows.ServiceOffering();
        var template = Rows.Template(host.Admin, isPublic: true);
        var kvm = Rows.Host(host.Cluster);
        var pool = Rows.Pool(host.Zone.Id);
        var vm = Rows.Vm(host.Admin, host.Zone.Id, offering);
        await host.InsertAsync(offering);
        await host.InsertAsync(template);
        await host.InsertAsync(kvm);
        await host.InsertAsync(pool);
        await host.InsertAsync(vm);
        var given = value switch
        {
            "template" => template.Id.ToString(),
            "offering" => offering.Id.ToString(),
            "host" => kvm.Id.ToString(),
            "cluster" => host.Cluster.Id.ToString(),
            "pool" => pool.Id.ToString(),
            "vm" => vm.Id.ToString(),
            _ => value,
        };
        (string, string)[] parameters = [("page", "1"), ("pagesize", "20")];
        if (command != "listHosts")
        {
            parameters = [.. parameters, ("listall", "true")];
        }

        if (filter.Length > 0)
        {
            parameters = [.. parameters, (filter, given)];
        }

        var plan = await PlanAsync(host.Admin, command, parameters);

        plan.ShouldContain(filter.Length == 0 ? "USING COVERING INDEX " + index : index);
    }

    [Theory]
    [InlineData("listVirtualMachines", "vms_account")]
    [InlineData("listVolumes", "volumes_account")]
    public async Task What_a_user_has_is_found_by_its_account(string command, string index) =>
        (await PlanAsync(host.User, command, ("page", "1"), ("pagesize", "20"))).ShouldContain(index);

    private async Task<string> PlanAsync(TestUser user, string command, params (string, string)[] parameters)
    {
        host.Statements.Clear();
        (await host.CallAsync(user, command, parameters)).ShouldSucceed();


        // The one that finds a page: it begins with a statement of its own that selects the ids.
        var list = host.Statements.Single(s => s.Text.Contains("LIMIT", StringComparison.Ordinal) && Regex.IsMatch(s.Text, """FROM\s+\(\s*SELECT"""));
        var plan = await host.Database.ReadAsync(
            async (db, ct) =>
            {
                var lines = new List<string>();
                await using var explain = ((SqliteConnection)db.OpenDbConnection()).CreateCommand();
                explain.CommandText = "EXPLAIN QUERY PLAN " + list.Text;
                explain.Transaction = (SqliteTransaction?)db.Transaction;
                foreach (var (name, what) in list.Parameters)
                {
                    explain.Parameters.AddWithValue(name, what ?? DBNull.Value);
                }

                await using var reader = await explain.ExecuteReaderAsync(ct);
                while (await reader.ReadAsync(ct))
                {
                    lines.Add(reader.GetString(3));
                }

                return string.Join('\n', lines);
            },
            TestContext.Current.CancellationToken);
        TestContext.Current.TestOutputHelper?.WriteLine(plan);
        return plan;
    }
}

/// <summary>A node on SQLite that keeps the statements that it made.</summary>
public sealed class PlannedApiHost : ApiHost
{
    internal List<(string Text, IReadOnlyList<(string, object?)> Parameters)> Statements { get; } = [];

    private protected override void Configure(IServiceCollection services) => services.AddSingleton<IInterceptor>(new Keeper(Statements));

    private sealed class Keeper(List<(string, IReadOnlyList<(string, object?)>)> statements) : CommandInterceptor
    {
        public override DbCommand CommandInitialized(CommandEventData eventData, DbCommand command)
        {
            lock (statements)
            {
                statements.Add((command.CommandText, [.. command.Parameters.Cast<DbParameter>().Select(p => (p.ParameterName, p.Value))]));
            }

            return command;
        }
    }
}
