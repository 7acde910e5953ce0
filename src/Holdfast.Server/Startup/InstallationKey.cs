using System.Data.Common;
using System.Security.Cryptography;
using Holdfast.Server.Security;
using Holdfast.Server.Store;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Startup;

/// <summary>
/// The key file of the data folder, checked before anything is made: a server that comes to an installation without its key must not make one of its own, with
/// which it could read nothing.
/// </summary>
internal static class InstallationKey
{
    /// <summary>The file's name in the data folder.</summary>
    public const string FileName = "secrets.key";

    /// <summary>Checks that the data folder has the key of the installation that the database belongs to.</summary>
    /// <param name="database">The database; it may be empty.</param>
    /// <param name="data">The data folder; it need not exist.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="StartRefusedException">It has not.</exception>
    public static async Task CheckAsync(Database database, string data, CancellationToken cancellationToken)
    {
        if (await SealedAsync(database, cancellationToken) is not { } proof)
        {
            return;
        }

        var path = Path.Combine(data, FileName);
        if (!File.Exists(path))
        {
            throw new StartRefusedException(
                $"The database belongs to an installation whose key is not in {data}; nothing was made there. All servers of an installation have the same key: copy "
                + $"{FileName} from the data folder of a server that runs, or from its backup, to {path} (mode 0600, owned by the user that runs this server), and start again.");
        }

        try
        {
            SecretBox.Open(path).Unseal(Authority.KeyPurpose, proof);
        }
        catch (InvalidDataException wrong)
        {
            throw new StartRefusedException($"{wrong.Message} Nothing was changed.");
        }
        catch (CryptographicException)
        {
            throw new StartRefusedException(
                $"The key in {path} is not that of the installation that the database belongs to; nothing was changed. Copy {FileName} from the data folder of a server of this "
                + "installation that runs, or from its backup, in its place, or name the database that belongs to this folder.");
        }
    }

    // What the first server sealed; null while there is no installation yet, or not even a schema.
    private static async Task<string?> SealedAsync(Database database, CancellationToken cancellationToken)
    {
        try
        {
            return await database.ReadAsync((db, ct) => db.Settings.Where(s => s.Name == Authority.KeySetting).Select(s => s.Value).FirstOrDefaultAsync(ct), cancellationToken);
        }
        catch (DbException noTable) when (noTable is Npgsql.PostgresException { SqlState: Npgsql.PostgresErrorCodes.UndefinedTable } or Microsoft.Data.Sqlite.SqliteException { SqliteErrorCode: 1 })
        {
            return null;
        }
    }
}
