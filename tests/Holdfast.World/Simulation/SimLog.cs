using Microsoft.Extensions.Logging;

namespace Holdfast.Worlds.Simulation;

/// <summary>What the processes log: kept for the history's reader, looked through for secrets, and an exception in it is a bug unless the world caused it.</summary>
internal sealed class SimLog(Simulator simulator, string who, Action<string, LogLevel, string> line) : ILogger, ILoggerFactory
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
        {
            return;
        }

        line(who, logLevel, formatter(state, exception));
        if (exception is not null and not ProcessKilledException)
        {
            simulator.Bug(new InvalidOperationException($"{who} logged an exception: {formatter(state, exception)}", exception));
        }
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }
}
