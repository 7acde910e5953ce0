using Holdfast.Agent.Hypervisor;

namespace Holdfast.Libvirt.Tests.Hypervisor;

public sealed class QemuProcessTableTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("holdfast-proc-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void A_qemu_is_known_by_the_uuid_on_its_command_line()
    {
        Add(10, "qemu-system-x86", 'S', 500, "/usr/bin/qemu-system-x86_64\0-name\0guest=a\0-uuid\0" + Specs.Machine + "\0-m\0160\0");
        Add(11, "bash", 'S', 501, "bash\0-uuid\0" + Guid.NewGuid() + "\0");
        new QemuProcessTable(_root).Scan().ShouldBe(new Dictionary<Guid, QemuProcess> { [Specs.Machine.Value] = new(Specs.Machine.Value, 10, 500) });
    }

    [Fact]
    public void A_qemu_that_has_ended_and_was_not_reaped_is_gone()
    {
        Add(10, "qemu-system-x86", 'Z', 500, "", threads: 1);
        new QemuProcessTable(_root).Scan().ShouldBeEmpty();
    }

    [Fact]
    public void A_known_qemu_whose_leader_has_ended_is_there_as_long_as_one_of_its_threads_is()
    {
        var table = new QemuProcessTable(_root);
        Add(10, "qemu-system-x86", 'S', 500, "q\0-uuid\0" + Specs.Machine + "\0");
        table.Scan();
        Add(10, "qemu-system-x86", 'Z', 500, "", threads: 2);
        table.Scan().Keys.ShouldBe([Specs.Machine.Value]);
        Directory.Delete(Path.Combine(_root, "10", "task", "11"), recursive: true);
        table.Scan().ShouldBeEmpty();
    }

    [Fact]
    public void A_killed_qemu_with_a_thread_that_sleeps_was_not_there_for_an_agent_that_had_not_seen_it_before()
    {
        Add(10, "qemu-system-x86", 'Z', 500, "", threads: 2);
        Write("10/task/10/stat", Stat(10, "qemu-system-x86", 'Z', 500));
        Write("10/task/11/stat", Stat(11, "worker", 'D', 501));
        Write("10/task/11/cmdline", "q\0-uuid\0" + Specs.Machine + "\0");
        new QemuProcessTable(_root).Scan().ShouldBe(new Dictionary<Guid, QemuProcess> { [Specs.Machine.Value] = new(Specs.Machine.Value, 10, 500) });
    }

    [Fact]
    public void A_qemu_that_was_seen_in_the_middle_of_its_exec_is_known_at_the_next_look()
    {
        var table = new QemuProcessTable(_root);
        Add(10, "qemu-system-x86", 'R', 500, "");
        table.Scan().ShouldBeEmpty();
        Add(10, "qemu-system-x86", 'S', 500, "q\0-uuid\0" + Specs.Machine + "\0");
        table.Scan().Keys.ShouldBe([Specs.Machine.Value]);
    }

    [Fact]
    public void A_number_that_was_given_to_another_process_is_not_the_same_process()
    {
        var table = new QemuProcessTable(_root);
        Add(10, "qemu-system-x86", 'S', 500, "q\0-uuid\0" + Specs.Machine + "\0");
        var process = table.Scan()[Specs.Machine.Value];
        table.IsSame(process).ShouldBeTrue();
        Add(10, "qemu-system-x86", 'S', 777, "q\0-uuid\0" + Guid.NewGuid() + "\0");
        table.IsSame(process).ShouldBeFalse();
        table.Scan().Keys.ShouldNotContain(Specs.Machine.Value);
    }

    [Fact]
    public void A_name_with_brackets_and_blanks_does_not_confuse_the_reader()
    {
        Add(10, "qemu-(x) S 1) y", 'D', 500, "q\0-uuid\0" + Specs.Machine + "\0");
        new QemuProcessTable(_root).Scan().Keys.ShouldBe([Specs.Machine.Value]);
    }

    [Fact]
    public void Threads_that_sleep_in_the_kernel_are_told_with_the_place()
    {
        Add(10, "qemu-system-x86", 'S', 500, "q\0-uuid\0" + Specs.Machine + "\0", threads: 3);
        Write("10/task/11/stat", Stat(11, "worker", 'D', 500));
        Write("10/task/11/wchan", "rpc_wait_bit_killable");
        var table = new QemuProcessTable(_root);
        table.DescribeSleep(table.Scan()[Specs.Machine.Value]).ShouldBe("1 of its threads sleep uninterruptibly in the kernel: worker in rpc_wait_bit_killable");
    }

    private static string Stat(int processId, string name, char state, int startTime) => $"{processId} ({name}) {state} 1{string.Concat(Enumerable.Repeat(" 0", 17))} {startTime} 0 0\n";

    private void Add(int processId, string name, char state, int startTime, string commandLine, int threads = 1)
    {
        Write($"{processId}/stat", Stat(processId, name, state, startTime));
        Write($"{processId}/cmdline", commandLine);
        for (var i = 0; i < threads; i++)
        {
            Write($"{processId}/task/{processId + i}/stat", Stat(processId + i, name, state, startTime));
        }
    }

    private void Write(string path, string text)
    {
        var full = Path.Combine(_root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }
}
