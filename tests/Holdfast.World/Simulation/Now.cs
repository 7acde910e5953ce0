namespace Holdfast.Worlds.Simulation;

/// <summary>Runs asynchronous code that never really waits: SQLite answers within the call.</summary>
internal static class Now
{
    public static void Run(Func<Task> body) => Run(async () =>
    {
        await body();
        return true;
    });

    public static T Run<T>(Func<Task<T>> body)
    {
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            var task = body();
#pragma warning disable VSTHRD002 // It has completed, or what follows is a bug of the world.
            return task.IsCompleted ? task.GetAwaiter().GetResult() : throw new InvalidOperationException("It waits for something; that needs a process of the world.");
#pragma warning restore VSTHRD002
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }
}
