using System.Text;
using Holdfast.Core.Ids;
using Holdfast.Protocol;
using Holdfast.Server.Security;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Startup;

/// <summary>
/// The first rows of a new installation: ROOT domain, admin account and user, zone, pod, cluster, network, OS types. One transaction; finds its work done on
/// every later start.
/// </summary>
internal sealed partial class Bootstrap
{
    private const string PasswordLine = "# password:  ";

    private static readonly (string Category, string Description)[] OsTypes =
    [
        ("CentOS", "CentOS 5.6 (64-bit)"),
        ("CentOS", "CentOS 7"),
        ("CentOS", "CentOS Stream 9"),
        ("Debian", "Debian GNU/Linux 11 (64-bit)"),
        ("Debian", "Debian GNU/Linux 12 (64-bit)"),
        ("Ubuntu", "Ubuntu 22.04 LTS"),
        ("Ubuntu", "Ubuntu 24.04 LTS"),
        ("RedHat", "Red Hat Enterprise Linux 9"),
        ("SUSE", "SUSE Linux Enterprise Server 15 (64-bit)"),
        ("Windows", "Windows Server 2022 (64-bit)"),
        ("Other", "Other Linux (64-bit)"),
        ("Other", OsTypeRow.Unknown),
        ("Other", "Other PV (64-bit)"),
    ];

    private readonly Database _database;
    private readonly SecretBox _secrets;
    private readonly ISecretSource _random;
    private readonly IIdSource _ids;
    private readonly TimeProvider _time;
    private readonly ILogger<Bootstrap> _logger;

    /// <summary>Made once at start.</summary>
    public Bootstrap(Database database, SecretBox secrets, ISecretSource random, IIdSource ids, TimeProvider time, ILogger<Bootstrap> logger)
    {
        _database = database;
        _secrets = secrets;
        _random = random;
        _ids = ids;
        _time = time;
        _logger = logger;
    }

    /// <summary>Makes the first rows where the database is empty.</summary>
    /// <returns>What was made; null when there was nothing to do.</returns>
    public async Task<FirstAdmin?> RunAsync(CancellationToken cancellationToken)
    {
        // The usual start: nothing to do, and no password to hash for it.
        if (await _database.ReadAsync((db, ct) => db.Domains.AnyAsync(ct), cancellationToken))
        {
            return null;
        }

        var admin = new FirstAdmin("admin", _random.Next(18), _random.Next(48), _random.Next(48));
        var hash = PasswordHash.Create(admin.Password);
        var made = await _database.WriteAsync(
            async (db, ct) =>
            {
                if (await db.Domains.AnyAsync(ct))
                {
                    return false;
                }

                await InsertAsync(db, admin, hash, ct);
                return true;
            },
            cancellationToken);
        if (!made)
        {
            return null;
        }

        LogBootstrapped(admin.UserName);
        return admin;
    }

    /// <summary>Writes the admin.ini of the <c>cs</c> client (mode 0600).</summary>
    /// <param name="path">The file.</param>
    /// <param name="endpoint">The API's URL.</param>
    /// <param name="verify">A file with the authority that the API's certificate is of; null when clients know it anyway.</param>
    /// <param name="first">The new administrator with its password, when just made.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task WriteAdminFileAsync(string path, string endpoint, string? verify, FirstAdmin? first, CancellationToken cancellationToken)
    {
        // Of the first user of that name, the newest keys that last.
        var found = await _database.ReadAsync(
            (db, ct) => (
                from u in db.Users
                join k in db.UserKeys on u.Id equals k.UserId
                where u.Username == "admin" && u.Removed == null && k.Starts == null && k.Ends == null
                orderby u.Created, u.Id, k.Created descending, k.Id descending
                select new { User = u, Keys = k }).FirstOrDefaultAsync(ct),
            cancellationToken);
        if (found is null)
        {
            return;
        }

        var comment = first is null
            ? await KeptCommentAsync(path, found.User.PasswordHash, cancellationToken)
            : $"# user name: {first.UserName}\n{PasswordLine}{first.Password}\n";
        var text = new StringBuilder(comment)
            .Append("[cloudstack]\n")
            .Append("endpoint = ").Append(endpoint).Append('\n')
            .Append("key = ").Append(found.Keys.ApiKey).Append('\n')
            .Append("secret = ").Append(_secrets.Unseal(SecretPurpose.UserSecretKey(found.Keys.Id), found.Keys.SecretKey).Reveal()).Append('\n');
        if (verify is not null)
        {
            text.Append("verify = ").Append(verify).Append('\n');
        }

        PrivateFile.Write(path, text.ToString());
    }

    // The password is known only at the first start; its line must survive a later start on another port, and go when the password is another.
    private static async Task<string> KeptCommentAsync(string path, string? passwordHash, CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
        {
            return "# user name: admin\n";
        }

        var lines = await File.ReadAllLinesAsync(path, cancellationToken);
        return string.Concat(lines
            .TakeWhile(l => l.StartsWith('#'))
            .Where(l => !l.StartsWith(PasswordLine, StringComparison.Ordinal) || PasswordHash.Verify(l[PasswordLine.Length..], passwordHash) != PasswordVerdict.Wrong)
            .Select(l => l + "\n"));
    }

    private async Task InsertAsync(StoreConnection db, FirstAdmin admin, string passwordHash, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        var domain = new DomainId(_ids.Next());
        var account = new AccountId(_ids.Next());
        var user = new UserId(_ids.Next());
        var keys = new UserKeyId(_ids.Next());
        var zone = new ZoneId(_ids.Next());
        var pod = new PodId(_ids.Next());

        await db.InsertAsync(new DomainRow { Id = domain, Name = "ROOT", Path = "ROOT", Level = 0, Created = now }, token: cancellationToken);
        await db.InsertAsync(
            new AccountRow { Id = account, Number = 2, Name = "admin", DomainId = domain, Type = 1, RoleId = RoleRow.RootAdmin, State = AccountStates.Enabled, Created = now },
            token: cancellationToken);
        await db.InsertAsync(
            new UserRow
            {
                Id = user,
                AccountId = account,
                Username = admin.UserName,
                PasswordHash = passwordHash,
                FirstName = "Admin",
                LastName = "User",
                Email = "admin@localhost",
                State = AccountStates.Enabled,
                Created = now,
            },
            token: cancellationToken);
        await db.InsertAsync(
            new UserKeyRow { Id = keys, UserId = user, ApiKey = admin.ApiKey, SecretKey = _secrets.Seal(SecretPurpose.UserSecretKey(keys), new Secret(admin.SecretKey)), Created = now },
            token: cancellationToken);
        await db.InsertAsync(
            new ZoneRow { Id = zone, Number = 1, Name = "zone1", NetworkType = "Advanced", AllocationState = AllocationStates.Enabled, Created = now },
            token: cancellationToken);
        await db.InsertAsync(new PodRow { Id = pod, ZoneId = zone, Name = "pod1", AllocationState = AllocationStates.Enabled, Created = now }, token: cancellationToken);
        await db.InsertAsync(
            new ClusterRow
            {
                Id = new ClusterId(_ids.Next()),
                ZoneId = zone,
                PodId = pod,
                Name = "cluster1",
                Hypervisor = "KVM",
                AllocationState = AllocationStates.Enabled,
                Created = now,
            },
            token: cancellationToken);
        await db.InsertAsync(NetworkRow.DefaultOf(zone, new NetworkId(_ids.Next()), now), token: cancellationToken);
        foreach (var (category, description) in OsTypes)
        {
            await db.InsertAsync(new OsTypeRow { Id = new OsTypeId(_ids.Next()), Category = category, Description = description }, token: cancellationToken);
        }

        await db.InsertAsync(new CounterRow { Name = Counters.VmNumber, Value = 2 }, token: cancellationToken);
    }
}

/// <summary>The first administrator, as made at first start.</summary>
/// <param name="UserName">User name.</param>
/// <param name="Password">Password.</param>
/// <param name="ApiKey">API key.</param>
/// <param name="SecretKey">Secret key.</param>
internal sealed record FirstAdmin(string UserName, string Password, string ApiKey, string SecretKey)
{
    /// <summary>Never the secrets.</summary>
    public override string ToString() => $"{UserName} ***";
}
