using System.Buffers.Binary;

namespace Holdfast.Agent.Tests.Ingest;

/// <summary>A qcow2 image of eight clusters of data, byte by byte as its specification says, so that a test can break it where it wants to.</summary>
internal sealed class Qcow2Sample
{
    public const int Cluster = 65536;
    public const int Data = 8;
    private const ulong Copied = 1UL << 63;
    private const int L1 = 3 * Cluster;
    private const int L2 = 4 * Cluster;

    public Qcow2Sample()
    {
        Put32(0, 0x514649FB);
        Put32(4, 3);
        Put32(20, 16);
        Put64(24, Data * Cluster);
        Put32(36, 1);
        Put64(40, L1);
        Put64(48, Cluster);
        Put32(56, 1);
        Put32(96, 4);
        Put32(100, 104);
        Put64(Cluster, 2 * Cluster);
        for (var cluster = 0; cluster < 5 + Data; cluster++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(Bytes.AsSpan((2 * Cluster) + (2 * cluster)), 1);
        }

        Put64(L1, Copied | L2);
        for (var data = 0; data < Data; data++)
        {
            Put64(L2 + (8 * data), Copied | (ulong)(uint)((5 + data) * Cluster));
            Bytes.AsSpan((5 + data) * Cluster, Cluster).Fill((byte)(data + 1));
        }
    }

    public byte[] Bytes { get; } = new byte[(5 + Data) * Cluster];

    /// <summary>Lets the L1 table point far beyond the end.</summary>
    public byte[] WithBrokenL1()
    {
        Put64(L1, Copied | (1UL << 40));
        return Bytes;
    }

    /// <summary>Lets an L2 table point far beyond the end.</summary>
    public byte[] WithBrokenL2()
    {
        Put64(L2 + 16, Copied | (1UL << 40));
        return Bytes;
    }

    private void Put32(int at, uint value) => BinaryPrimitives.WriteUInt32BigEndian(Bytes.AsSpan(at), value);

    private void Put64(int at, ulong value) => BinaryPrimitives.WriteUInt64BigEndian(Bytes.AsSpan(at), value);
}
