using System.Security.Cryptography;
using Holdfast.Core.Ids;
using Holdfast.Server.Security;
using Holdfast.Server.Store;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Startup;

/// <summary>
/// The change of the installation's key: while the key file has more keys than one, each start of a server seals with the first what another one sealed. May run on
/// several servers at once, and end at any place: what is done is passed over.
/// </summary>
internal sealed partial class KeyChange
{
    // A transaction's worth: nobody waits long for it.
    private const int AtOnce = 500;

    private readonly Database _database;
    private readonly SecretBox _secrets;
    private readonly ILogger<KeyChange> _logger;

    /// <summary>Made once at start.</summary>
    public KeyChange(Database database, SecretBox secrets, ILogger<KeyChange> logger) => (_database, _secrets, _logger) = (database, secrets, logger);

    /// <summary>Does what is left to do. What no key opens is told and left as it is.</summary>
    /// <param name="cancellationToken">Ends it; what is done stays.</param>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (!_secrets.HasFormerKeys)
        {
            return;
        }

        List<Batch> done = [await _database.WriteAsync(AuthorityAsync, cancellationToken)];
        var keys = await _database.ReadAsync((db, ct) => db.UserKeys.Select(k => k.Id).ToListAsync(ct), cancellationToken);
        foreach (var some in keys.Chunk(AtOnce))
        {
            done.Add(await _database.WriteAsync((db, ct) => UserKeysAsync(db, [.. some], ct), cancellationToken));
        }

        var factors = await _database.ReadAsync((db, ct) => db.Users.Where(u => u.TotpKey != null).Select(u => u.Id).ToListAsync(ct), cancellationToken);
        foreach (var some in factors.Chunk(AtOnce))
        {
            done.Add(await _database.WriteAsync((db, ct) => FactorsAsync(db, [.. some], ct), cancellationToken));
        }

        var pools = await _database.ReadAsync((db, ct) => db.StoragePools.Where(p => p.Secrets != null).Select(p => p.Id).ToListAsync(ct), cancellationToken);
        foreach (var some in pools.Chunk(AtOnce))
        {
            done.Add(await _database.WriteAsync((db, ct) => PoolsAsync(db, [.. some], ct), cancellationToken));
        }

        var vms = await _database.ReadAsync((db, ct) => db.Vms.Where(v => v.Password != null).Select(v => v.Id).ToListAsync(ct), cancellationToken);
        foreach (var some in vms.Chunk(AtOnce))
        {
            done.Add(await _database.WriteAsync((db, ct) => VmsAsync(db, [.. some], ct), cancellationToken));
        }

        foreach (var lost in done.SelectMany(batch => batch.Lost))
        {
            LogLost(lost, _secrets.Path);
        }

        if (done.TrueForAll(batch => batch.Lost.Count == 0))
        {
            LogChanged(done.Sum(batch => batch.Anew), _secrets.Path);
        }
    }

    private async Task<Batch> AuthorityAsync(StoreConnection db, CancellationToken cancellationToken)
    {
        var batch = new Batch();
        if (await db.Settings.Where(s => s.Name == Authority.KeySetting).Select(s => s.Value).FirstOrDefaultAsync(cancellationToken) is { } text
            && SealAnew(Authority.KeyPurpose, text, batch) is { } anew)
        {
            await db.Settings.Where(s => s.Name == Authority.KeySetting).Set(s => s.Value, anew).UpdateAsync(cancellationToken);
        }

        return batch;
    }

    private async Task<Batch> UserKeysAsync(StoreConnection db, List<UserKeyId> some, CancellationToken cancellationToken)
    {
        var batch = new Batch();
        foreach (var keys in await db.UserKeys.Where(k => some.Contains(k.Id)).Select(k => new { k.Id, k.SecretKey }).ToListAsync(cancellationToken))
        {
            if (SealAnew(SecretPurpose.UserSecretKey(keys.Id), keys.SecretKey, batch) is { } anew)
            {
                await db.UserKeys.Where(k => k.Id == keys.Id).Set(k => k.SecretKey, anew).UpdateAsync(cancellationToken);
            }
        }

        return batch;
    }

    private async Task<Batch> FactorsAsync(StoreConnection db, List<UserId> some, CancellationToken cancellationToken)
    {
        var batch = new Batch();
        foreach (var user in await db.Users.Where(u => some.Contains(u.Id) && u.TotpKey != null).Select(u => new { u.Id, u.TotpKey }).ToListAsync(cancellationToken))
        {
            if (SealAnew(SecretPurpose.UserTotpKey(user.Id), user.TotpKey!, batch) is { } anew)
            {
                await db.Users.Where(u => u.Id == user.Id).Set(u => u.TotpKey, anew).UpdateAsync(cancellationToken);
            }
        }

        return batch;
    }

    private async Task<Batch> PoolsAsync(StoreConnection db, List<PoolId> some, CancellationToken cancellationToken)
    {
        var batch = new Batch();
        foreach (var pool in await db.StoragePools.Where(p => some.Contains(p.Id) && p.Secrets != null).Select(p => new { p.Id, p.Secrets }).ToListAsync(cancellationToken))
        {
            if (SealAnew(SecretPurpose.PoolSecrets(pool.Id), pool.Secrets!, batch) is { } anew)
            {
                await db.StoragePools.Where(p => p.Id == pool.Id).Set(p => p.Secrets, anew).UpdateAsync(cancellationToken);
            }
        }

        return batch;
    }

    private async Task<Batch> VmsAsync(StoreConnection db, List<VmId> some, CancellationToken cancellationToken)
    {
        var batch = new Batch();
        foreach (var vm in await db.Vms.Where(v => some.Contains(v.Id) && v.Password != null).Select(v => new { v.Id, v.Password }).ToListAsync(cancellationToken))
        {
            if (SealAnew(SecretPurpose.VmPassword(vm.Id), vm.Password!, batch) is { } anew)
            {
                await db.Vms.Where(v => v.Id == vm.Id).Set(v => v.Password, anew).UpdateAsync(cancellationToken);
            }
        }

        return batch;
    }

    private string? SealAnew(string purpose, string text, Batch batch)
    {
        try
        {
            var anew = _secrets.SealAnew(purpose, text);
            batch.Anew += anew is null ? 0 : 1;
            return anew;
        }
        catch (CryptographicException)
        {
            batch.Lost.Add(purpose);
            return null;
        }
    }

    [LoggerMessage(EventId = 2024, Level = LogLevel.Information,
        Message = "{Count} secrets were sealed anew with the first key of {Path}, and no other is needed for what is in the database: when every server has started with this file, delete its other lines")]
    private partial void LogChanged(int count, string path);

    [LoggerMessage(EventId = 2025, Level = LogLevel.Error, Message = "No key of {Path} opens {Purpose}: it stays as it is, and what needs it fails. Keep the file's other lines")]
    private partial void LogLost(string purpose, string path);

    /// <summary>What one transaction did.</summary>
    private sealed class Batch
    {
        public int Anew { get; set; }

        public List<string> Lost { get; } = [];
    }
}
