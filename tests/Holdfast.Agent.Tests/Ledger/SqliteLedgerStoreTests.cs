using System.Text;
using Holdfast.Agent.Ledger;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Holdfast.Testing;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Ledger;

public sealed class SqliteLedgerStoreTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Load_AfterWriteAndReopen_GivesTheSameRows()
    {
        using (var store = Open())
        {
            store.Write(Everything()).ShouldBeOfType<WriteOutcome.Written>();
        }

        using var again = Open();
        again.Damage.ShouldBeNull();
        var tables = TablesOf(again);
        tables.Items.Count.ShouldBe(1);
        tables.Items.Values.Single().Item.Binding!.Secrets["token"].Reveal().ShouldBe("very-secret");
        tables.Attachments.Values.Single().ShouldBe(Samples.Attachment(Samples.Volume));
        tables.Obligations.Values.Single().ShouldBe(Samples.Obligation(1, Samples.Volume2));
        tables.Machines[Samples.Vm].State.ShouldBe(MachineState.Running);
        tables.Number(LedgerNumber.Revision).ShouldBe(42);
    }

    [Fact]
    public void Load_AfterRowsWereDropped_DoesNotGiveThem()
    {
        using (var store = Open())
        {
            store.Write(Everything());
            store.Write([new LedgerChange.DropAttachment(Samples.Attachment(Samples.Volume).Key), new LedgerChange.DropObligation(new ObligationId(Samples.Id(1)))]);
        }

        using var again = Open();
        var tables = TablesOf(again);
        tables.Attachments.ShouldBeEmpty();
        tables.Obligations.ShouldBeEmpty();
    }

    [Fact]
    public void A_glimpse_of_a_ledger_in_use_shows_its_rows_and_changes_nothing()
    {
        using var store = Open();
        store.Write(Everything());
        var before = Directory.GetFiles(_folder.Path).Order(StringComparer.Ordinal).ToList();

        var read = SqliteLedgerStore.Peek(_folder.Path).ShouldBeOfType<LedgerGlimpse.Read>();

        read.Damage.ShouldBeNull();
        var tables = new LedgerTables();
        foreach (var change in read.Changes)
        {
            tables.Apply(change);
        }

        tables.Machines[Samples.Vm].State.ShouldBe(MachineState.Running);
        tables.Obligations.Values.Single().ShouldBe(Samples.Obligation(1, Samples.Volume2));
        Directory.GetFiles(_folder.Path).Order(StringComparer.Ordinal).ShouldBe(before);
        store.Write([new LedgerChange.DropObligation(new ObligationId(Samples.Id(1)))]).ShouldBeOfType<WriteOutcome.Written>("the reader holds nothing");
    }

    [Fact]
    public void A_glimpse_of_a_damaged_ledger_shows_what_is_left_and_leaves_the_file()
    {
        Open().Dispose();
        var file = Path.Combine(_folder.Path, "ledger.db");
        File.WriteAllText(file, "this is no database");

        var glimpse = SqliteLedgerStore.Peek(_folder.Path);

        glimpse.ShouldSatisfyAllConditions(
            () => (glimpse is LedgerGlimpse.Unreadable || glimpse is LedgerGlimpse.Read { Damage: not null, Changes: [] }).ShouldBeTrue(glimpse.ToString()),
            () => File.ReadAllText(file).ShouldBe("this is no database"));
    }

    [Fact]
    public void A_glimpse_where_no_ledger_is_names_the_file_and_makes_none()
    {
        SqliteLedgerStore.Peek(_folder.Path).ShouldBeOfType<LedgerGlimpse.Unreadable>().Reason.ShouldContain(Path.Combine(_folder.Path, "ledger.db"));
        Directory.GetFiles(_folder.Path).ShouldBeEmpty();
    }

    [Fact]
    public void No_file_of_the_ledger_holds_a_secret_in_clear()
    {
        using var store = Open();
        store.Write(Everything());
        foreach (var file in Directory.GetFiles(_folder.Path))
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(stream, Encoding.Latin1);
            reader.ReadToEnd().ShouldNotContain("very-secret", customMessage: file);
        }
    }

    [Fact]
    public void The_key_file_is_for_the_owner_only()
    {
        using var store = Open();
        File.GetUnixFileMode(_folder["ledger.key"]).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(5000)]
    public void Open_TruncatedFile_MovesItAsideAndBeginsANewOne(int length)
    {
        Fill();
        using (var stream = new FileStream(_folder["ledger.db"], FileMode.Open))
        {
            stream.SetLength(length);
        }

        using var store = Open();
        if (length > 0)
        {
            store.Damage.ShouldNotBeNull();
            File.Exists(store.Damage.MovedTo).ShouldBeTrue();
        }

        store.Load().ShouldBeEmpty();
        store.Write(Everything()).ShouldBeOfType<WriteOutcome.Written>();
    }

    [Fact]
    public void Open_AnyBitFlipped_NeverGivesARowThatWasNotWritten()
    {
        Fill();
        var good = File.ReadAllBytes(_folder["ledger.db"]);
        var honest = Everything().Select(change => change.GetType()).ToHashSet();
        for (var at = 0; at < good.Length; at += 257)
        {
            var bad = (byte[])good.Clone();
            bad[at] ^= 0x10;
            File.WriteAllBytes(_folder["ledger.db"], bad);
            using var store = Open();
            var rows = store.Damage is null ? store.Load() : store.Damage.Salvage;
            foreach (var row in rows)
            {
                honest.ShouldContain(row.GetType());
                if (row is LedgerChange.PutAttachment { Row: var attachment })
                {
                    attachment.ShouldBe(Samples.Attachment(Samples.Volume), $"byte {at}");
                }
            }
        }
    }

    [Fact]
    public void Open_LostKey_CountsAsDamageAndSalvagesNothing()
    {
        Fill();
        File.Delete(_folder["ledger.key"]);
        using var store = Open();
        store.Damage.ShouldNotBeNull();
        store.Damage.Salvage.ShouldBeEmpty();
    }

    [Fact]
    public void Open_RowMovedToAnotherPlace_CountsAsDamage()
    {
        Fill();
        using (var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={_folder["ledger.db"]};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "UPDATE obligation SET key = 'another'";
            command.ExecuteNonQuery();
        }

        using var store = Open();
        store.Damage!.Reason.ShouldContain("obligation/another");
        store.Damage.Salvage.OfType<LedgerChange.PutAttachment>().ShouldHaveSingleItem();
    }

    [Fact]
    public void A_damaged_page_took_the_rest_of_its_table_along_without_a_word()
    {
        const int many = 600, page = 4096;
        using (var store = Open())
        {
            store.Write([.. Enumerable.Range(1, many).Select(id => new LedgerChange.PutObligation(Samples.Obligation(id, Samples.Volume2)))]).ShouldBeOfType<WriteOutcome.Written>();
        }

        var bytes = File.ReadAllBytes(_folder["ledger.db"]);
        var middle = Encoding.Latin1.GetString(bytes).IndexOf(Samples.Obligation(many / 2, Samples.Volume2).Id.ToString(), StringComparison.Ordinal);
        bytes.AsSpan(middle / page * page, page).Clear();
        File.WriteAllBytes(_folder["ledger.db"], bytes);

        SqliteLedgerStore.Peek(_folder.Path).ShouldBeOfType<LedgerGlimpse.Read>().Damage!.ShouldContain("rows of table obligation on pages that cannot be read");
        using var damaged = Open();
        var ids = damaged.Damage!.Salvage.OfType<LedgerChange.PutObligation>().Select(change => change.Row.Id.Value).ToList();
        ids.ShouldContain(Samples.Id(1));
        ids.ShouldContain(Samples.Id(many));
        ids.ShouldBeUnique();
        ids.Count.ShouldBeInRange(many - 100, many - 1);
    }

    [Fact]
    public void A_row_that_is_not_what_was_written_is_named()
    {
        Fill();
        using (var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={_folder["ledger.db"]};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "UPDATE attachment SET body = zeroblob(60)";
            command.ExecuteNonQuery();
        }

        SqliteLedgerStore.Peek(_folder.Path).ShouldBeOfType<LedgerGlimpse.Read>().Damage!.ShouldContain($"not readable: row attachment/{Samples.Volume}");
        using var store = Open();
        store.Damage!.Salvage.OfType<LedgerChange.PutObligation>().ShouldHaveSingleItem();
    }

    [Fact]
    public void Open_WhileItsDiskIsFull_FailsAndSetsNothingAside()
    {
        Assert.SkipUnless(Environment.UserName == "root", "a disk that can be filled has to be mounted, for which one must be root");
        Run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", _folder.Path);
        try
        {
            Fill();
            var filler = _folder["filler"];
            Should.Throw<IOException>(() => FillDisk(filler));
            var refused = Should.Throw<IOException>(() => Open().Dispose());
            refused.Message.ShouldContain(_folder["ledger.db"]);
            Directory.GetFiles(_folder.Path, "*.damaged-*").ShouldBeEmpty();
            File.Delete(filler);
            using var store = Open();
            store.Damage.ShouldBeNull();
            TablesOf(store).Obligations.ShouldHaveSingleItem();
        }
        finally
        {
            Run("umount", _folder.Path);
        }
    }

    private static void FillDisk(string path)
    {
        using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        while (true)
        {
            file.Write(new byte[1024]);
        }
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(program, arguments);
        process.WaitForExit();
        process.ExitCode.ShouldBe(0, $"{program} {string.Join(' ', arguments)}");
    }

    private static List<LedgerChange> Everything() =>
    [
        new LedgerChange.PutItem(new ItemRow { Item = Samples.Binding(Samples.Pool), AcceptedAt = Samples.Then }),
        new LedgerChange.PutMachine(new MachineRow { Machine = Samples.Vm, Generation = Generation.First, State = MachineState.Running, Since = Samples.Then }),
        new LedgerChange.PutAttachment(Samples.Attachment(Samples.Volume)),
        new LedgerChange.PutObligation(Samples.Obligation(1, Samples.Volume2)),
        new LedgerChange.SetNumber(LedgerNumber.Revision, 42),
    ];

    private static LedgerTables TablesOf(SqliteLedgerStore store)
    {
        var tables = new LedgerTables();
        foreach (var change in store.Load())
        {
            tables.Apply(change);
        }

        return tables;
    }

    private void Fill()
    {
        using var store = Open();
        store.Write(Everything());
    }

    /// <summary>An agent of an older version was started upon the ledger of a newer one, and did not start at all.</summary>
    [Fact]
    public void A_row_that_this_version_cannot_read_costs_no_other_and_stays()
    {
        using (var store = Open())
        {
            store.Write(Everything());
        }

        PutUnreadable($"{ItemKind.Task}/{Samples.Id(0xE1):D}");
        for (var i = 0; i < 2; i++)
        {
            using var again = Open();
            again.Damage.ShouldBeNull();
            var rows = again.Load();
            rows.Count.ShouldBe(Everything().Count + 1);
            var aside = rows.OfType<LedgerChange.SetAsideItem>().ShouldHaveSingleItem();
            (aside.Kind, aside.Id).ShouldBe((ItemKind.Task, Samples.Id(0xE1)));
        }
    }

    private void PutUnreadable(string key)
    {
        using var seal = RowSeal.Open(_folder["ledger.key"]);
        using var connection = new SqliteConnection($"Data Source={_folder["ledger.db"]};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "INSERT INTO item (key, note, body) VALUES ($key, '', $body)";
        command.Parameters.AddWithValue("$key", key);
        command.Parameters.AddWithValue("$body", seal.Seal($"item/{key}", """{"item":{"kind":"task","task":{"kind":"conjureVolume"}}}"""u8.ToArray()));
        command.ExecuteNonQuery();
    }

    private SqliteLedgerStore Open() => SqliteLedgerStore.Open(_folder.Path, new FakeTimeProvider(), NullLogger.Instance);
}
