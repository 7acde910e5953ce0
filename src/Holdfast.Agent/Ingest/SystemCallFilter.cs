using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Holdfast.Agent.Ingest;

/// <summary>
/// The system calls that a program which reads an image never needs, and one that an image has taken over would try next: new namespaces (in which it would have rights
/// again), mounts, other processes, the keyring, handles past the mount namespace, and the parts of the kernel with the most faults. They fail; all others work.
/// As a program for seccomp. Pure.
/// </summary>
internal static class SystemCallFilter
{
    private const uint Allow = 0x7FFF_0000;
    private const uint Error = 0x0005_0000;
    private const uint NotPermitted = 1;
    private const uint NotImplemented = 38;
    private const uint NewNamespaces = 0x7E02_0000;
    private const uint OtherAbi = 0x4000_0000;
    private const uint OfNumber = 0;
    private const uint OfArchitecture = 4;
    private const uint OfFirstArgument = 16;

    // Threads are made by clone where clone3, whose flags lie in memory that no filter can see, is not implemented.
    private const int Clone3 = 435;

    // mount and its kin: open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr; io_uring: setup, enter, register. The same numbers everywhere.
    private static readonly int[] Everywhere = [428, 429, 430, 431, 432, 433, 442, 425, 426, 427];

    private static readonly (uint Architecture, int Clone, int[] Others)? Machine = RuntimeInformation.ProcessArchitecture switch
    {
        // unshare, setns, mount, umount2, pivot_root, chroot, ptrace, process_vm_readv and writev, add_key, request_key, keyctl, bpf, userfaultfd, perf_event_open,
        // name_to_handle_at, open_by_handle_at, kexec_load and its kin, init_module and its kin.
        Architecture.X64 => (0xC000_003E, 56, [272, 308, 165, 166, 155, 161, 101, 310, 311, 248, 249, 250, 321, 323, 298, 303, 304, 246, 320, 175, 313, 176]),
        Architecture.Arm64 => (0xC000_00B7, 220, [97, 268, 40, 39, 41, 51, 117, 270, 271, 217, 218, 219, 280, 282, 241, 264, 265, 104, 294, 105, 273, 106]),
        _ => null,
    };

    /// <summary>The filter; null for a machine whose calls are not known here.</summary>
    public static byte[]? Program { get; } = Machine is { } machine ? Make(machine.Architecture, machine.Clone, [.. machine.Others, .. Everywhere]) : null;

    private static byte[] Make(uint architecture, int clone, int[] denied)
    {
        const ushort Load = 0x20;
        const ushort JumpIfEqual = 0x15;
        const ushort JumpIfAtLeast = 0x35;
        const ushort JumpIfAny = 0x45;
        const ushort Return = 0x06;
        var program = new List<(ushort Code, int OnTrue, int OnFalse, uint Value)>();

        // Where the answers are: behind the four instructions before the list, the list, and the four after it.
        var allow = 4 + denied.Length + 4;
        var (deny, unknown) = (allow + 1, allow + 2);
        Add(Load, null, null, OfArchitecture);
        Add(JumpIfEqual, null, deny, architecture);
        Add(Load, null, null, OfNumber);
        Add(JumpIfAtLeast, deny, null, OtherAbi);
        foreach (var number in denied)
        {
            Add(JumpIfEqual, deny, null, (uint)number);
        }

        Add(JumpIfEqual, unknown, null, Clone3);
        Add(JumpIfEqual, null, allow, (uint)clone);
        Add(Load, null, null, OfFirstArgument);
        Add(JumpIfAny, deny, allow, NewNamespaces);
        Add(Return, null, null, Allow);
        Add(Return, null, null, Error | NotPermitted);
        Add(Return, null, null, Error | NotImplemented);

        var bytes = new byte[8 * program.Count];
        for (var at = 0; at < program.Count; at++)
        {
            var (code, onTrue, onFalse, value) = program[at];
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(8 * at), code);
            bytes[(8 * at) + 2] = checked((byte)onTrue);
            bytes[(8 * at) + 3] = checked((byte)onFalse);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan((8 * at) + 4), value);
        }

        return bytes;

        // Jumps are counted from the instruction after; none: on to that one.
        void Add(ushort code, int? onTrue, int? onFalse, uint value)
        {
            var next = program.Count + 1;
            program.Add((code, (onTrue ?? next) - next, (onFalse ?? next) - next, value));
        }
    }
}
