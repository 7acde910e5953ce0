namespace Holdfast.Agent.Ingest;

/// <summary>Where the adapters of images work: reading, hashing and unpacking gigabytes is no work for the loop that all machines share.</summary>
internal static class OffLoop
{
    /// <summary>Runs work on the thread pool. Its caller goes on where it was.</summary>
    public static Task<T> RunAsync<T>(Func<Task<T>> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskScheduler.Default).Unwrap();
}
