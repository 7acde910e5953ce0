namespace Holdfast.Drivers.Linstor.Rest;

/// <summary>The codes (low 15 bits) this driver decides by.</summary>
internal static class LinstorCode
{
    public const int ProviderUnfit = 227;
    public const int ObjectFirst = 300;
    public const int NodeMissing = 300;
    public const int DefinitionMissing = 301;
    public const int ResourceMissing = 302;
    public const int StoragePoolDefinitionMissing = 309;
    public const int StoragePoolMissing = 310;
    public const int SnapshotDefinitionMissing = 313;
    public const int SnapshotMissing = 315;
    public const int GroupMissing = 317;
    public const int ObjectLast = 399;
    public const int AccessFirst = 400;
    public const int AccessLast = 424;
    public const int ExistsFirst = 500;
    public const int DefinitionExists = 501;
    public const int ResourceExists = 502;
    public const int VolumeDefinitionExists = 503;
    public const int SnapshotDefinitionExists = 514;
    public const int SnapshotExists = 516;
    public const int ExistsLast = 599;
    public const int NumbersFirst = 800;
    public const int NumbersLast = 807;
    public const int RollbackInProgress = 971;
    public const int PoolMixing = 972;
    public const int NotAllUpToDate = 974;
    public const int Evacuating = 975;
    public const int SnapshotNotUpToDate = 979;
    public const int NotEnoughSpace = 980;
    public const int OneActivePerSharedPool = 981;
    public const int CryptLocked = 982;
    public const int Undecidable = 985;
    public const int LayerLacking = 988;
    public const int ProviderLacking = 989;
    public const int PoolConfiguration = 990;
    public const int ReplicaCount = 991;
    public const int ResourceBusy = 992;
    public const int PeerSlots = 993;
    public const int SnapshotsUnsupported = 994;
    public const int NotConnected = 995;
    public const int NotEnoughNodes = 996;
    public const int InUse = 997;
    public const int Unknown = 998;
    public const int Implementation = 999;
    public const int SignInFailed = 10000;
    public const int CredentialsMissing = 10001;

    public const int WarnNotConnected = 1002;
    public const int WarnNotUpdated = 1003;
    public const int WarnNotFound = 3000;
    public const int InfoNothingSpawned = 10000;
    public const int InfoTieBreakerTakeover = 10006;
}
