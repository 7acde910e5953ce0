using Holdfast.Core.Ids;

namespace Holdfast.Server.Security;

/// <summary>What sealed secrets are for; bound into their seal.</summary>
internal static class SecretPurpose
{
    /// <summary>A user's secret key (<c>users.secret_key</c>).</summary>
    public static string UserSecretKey(UserId user) => $"user-secret-key:{user}";

    /// <summary>A guest's password (<c>vms.password</c>).</summary>
    public static string VmPassword(VmId vm) => $"vm-password:{vm}";

    /// <summary>A pool's secret configuration (<c>storage_pools.secrets</c>).</summary>
    public static string PoolSecrets(PoolId pool) => $"pool-secrets:{pool}";
}
