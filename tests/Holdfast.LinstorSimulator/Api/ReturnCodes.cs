namespace Holdfast.LinstorSimulation.Api;

/// <summary>The bit fields of a LINSTOR return code: type, operation, object and code.</summary>
internal static class ReturnCodes
{
    public const long TypeMask = unchecked((long)0xC000000000000000);
    public const long Error = unchecked((long)0xC000000000000000);
    public const long Warn = unchecked((long)0x8000000000000000);
    public const long Info = 0x4000000000000000;
    public const long CodeMask = 0x7FFF;

    public const long Create = 0x1000000;
    public const long Modify = 0x2000000;
    public const long Delete = 0x3000000;
    public const long OperationMask = 0x3000000;

    public const long Snapshot = 0xC0000;
    public const long ControllerConfig = 0x100000;
    public const long StoragePool = 0x140000;
    public const long StoragePoolDefinition = 0x180000;
    public const long NetInterface = 0x1C0000;
    public const long ResourceConnection = 0x240000;
    public const long Volume = 0x2C0000;
    public const long VolumeDefinition = 0x300000;
    public const long Resource = 0x340000;
    public const long ResourceDefinition = 0x380000;
    public const long Node = 0x3C0000;
    public const long KeyValueStore = 0x400000;
    public const long ResourceGroup = 0x440000;
    public const long VolumeGroup = 0x480000;
    public const long ObjectMask = 0x7C0000;

    /// <summary>The code of a body that cannot be parsed; it fills the whole word.</summary>
    public const long ParseError = unchecked((long)0xCFFFFFFFFFFFFFFD);

    public const int Created = 1;
    public const int Deleted = 2;
    public const int Modified = 3;
    public const int PassphraseAccepted = 4;

    public const int InvalidNodeName = 200;
    public const int InvalidNodeType = 201;
    public const int InvalidResourceName = 202;
    public const int InvalidStoragePoolName = 208;
    public const int InvalidVolumeSize = 206;
    public const int InvalidProperty = 213;
    public const int InvalidPlaceCount = 219;
    public const int InvalidLayerStack = 225;
    public const int InvalidStorageProvider = 227;
    public const int InvalidVolumeSizes = 228;
    public const int InvalidRequest = 234;

    public const int NodeNotFound = 300;
    public const int DefinitionNotFound = 301;
    public const int ResourceNotFound = 302;
    public const int VolumeDefinitionNotFound = 303;
    public const int VolumeNotFound = 304;
    public const int NetInterfaceNotFound = 305;
    public const int ResourceConnectionNotFound = 307;
    public const int StoragePoolDefinitionNotFound = 309;
    public const int StoragePoolNotFound = 310;
    public const int SnapshotDefinitionNotFound = 313;
    public const int SnapshotVolumeDefinitionNotFound = 314;
    public const int SnapshotNotFound = 315;
    public const int KeyValueStoreNotFound = 316;
    public const int ResourceGroupNotFound = 317;
    public const int VolumeGroupNotFound = 318;
    public const int ErrorReportNotFound = 320;

    public const int NodeExists = 500;
    public const int DefinitionExists = 501;
    public const int ResourceExists = 502;
    public const int VolumeDefinitionExists = 503;
    public const int NetInterfaceExists = 505;
    public const int StoragePoolDefinitionExists = 509;
    public const int StoragePoolExists = 510;
    public const int SnapshotDefinitionExists = 514;
    public const int ResourceGroupExists = 522;
    public const int VolumeGroupExists = 523;

    public const int NotAllUpToDate = 974;
    public const int NotEnoughFreeSpace = 980;
    public const int InsufficientReplicaCount = 991;
    public const int SnapshotNotUpToDate = 979;
    public const int SnapshotsUnsupported = 994;
    public const int NotConnected = 995;
    public const int NotEnoughNodes = 996;
    public const int InUse = 997;
    public const int UnknownError = 998;

    public const int SignInFailed = 10000;
    public const int MissingCredentials = 10001;

    public const int WarnNotConnected = 1002;
    public const int WarnDeleteUnsetProperty = 1005;
    public const int WarnAlreadyDeployed = 1006;
    public const int WarnAlreadyHasDisk = 1007;
    public const int WarnAlreadyDiskless = 1008;
    public const int WarnNotEnoughNodesForTieBreaker = 1013;
    public const int WarnNotReady = 1003;
    public const int WarnSameSize = 1023;
    public const int WarnNotFound = 3000;

    public const int InfoNoResourceSpawned = 10000;
    public const int InfoPropertySet = 10002;
    public const int InfoTieBreakerCreated = 10003;
    public const int InfoTieBreakerDeleting = 10004;
    public const int InfoPropertyRemoved = 10005;
    public const int InfoTieBreakerTakeover = 10006;
    public const int InfoNoop = 10007;
}
