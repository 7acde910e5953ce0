using Holdfast.Server.Store;

namespace Holdfast.Server.Machines;

/// <summary>
/// The numbers of VMs, in their instance names: each is given out once. A node takes a block of them at a time and loses what is left of it when it ends, so numbers have gaps.
/// Safe for any thread.
/// </summary>
internal sealed class VmNumbers
{
    /// <summary>How many a node takes at a time.</summary>
    public const int Block = 32;

    private readonly Database _database;

    // Guards _next and _end.
    private readonly Lock _gate = new();
    private long _next;
    private long _end;

    /// <summary>Made once per node.</summary>
    public VmNumbers(Database database) => _database = database;

    /// <summary>The next number. Not within a transaction: it has one of its own now and then.</summary>
    public async Task<long> NextAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_next < _end)
            {
                return _next++;
            }
        }

        var last = await _database.WriteAsync((db, ct) => Counters.AddAsync(db, Counters.VmNumber, Block, ct), cancellationToken);
        lock (_gate)
        {
            // Two that find none left take a block each; the rest of one of them is lost.
            var first = last - Block + 1;
            (_next, _end) = (first + 1, last + 1);
            return first;
        }
    }
}
