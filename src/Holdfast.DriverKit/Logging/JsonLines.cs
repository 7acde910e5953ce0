using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Holdfast.DriverKit.Logging;

/// <summary>
/// Writes log entries as JSON lines to a stream. Never makes a caller wait: when the reader of the stream is slow, entries are dropped and the number of dropped ones is
/// written later. Safe to use from any thread.
/// </summary>
internal sealed class JsonLines : ILoggerFactory
{
    // Not the framework's JSON console: its names are its own (docs/drivers.md promises ours), and what it writes of an entry's state no mask sees.
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly Channel<byte[]> _lines = Channel.CreateBounded<byte[]>(
        new BoundedChannelOptions(1024) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly Stream _stream;
    private readonly TimeProvider _time;
    private readonly SecretMask _mask;
    private readonly IReadOnlyList<KeyValuePair<string, string>> _everywhere;
    private readonly Task _writing;
    private long _dropped;

    internal JsonLines(Stream stream, TimeProvider time, SecretMask mask, IReadOnlyList<KeyValuePair<string, string>> everywhere)
    {
        _stream = stream;
        _time = time;
        _mask = mask;
        _everywhere = everywhere;
        _writing = WriteAsync();
    }

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("A driver's log goes to its standard error only.");

    /// <inheritdoc/>
    public void Dispose() => _lines.Writer.TryComplete();

    /// <summary>Ends the log and waits a moment for the last lines.</summary>
    /// <param name="patience">How long to wait.</param>
    /// <returns>Completes when the lines are out, or the patience is at its end.</returns>
    internal async Task CloseAsync(TimeSpan patience)
    {
        Dispose();
        await _writing.WaitAsync(patience, _time).ContinueWith(static _ => { }, TaskScheduler.Default);
    }

    private async Task WriteAsync()
    {
        await Task.Yield();
        try
        {
            await foreach (var line in _lines.Reader.ReadAllAsync())
            {
                await _stream.WriteAsync(line);
                if (Interlocked.Exchange(ref _dropped, 0) is var dropped and > 0)
                {
                    await _stream.WriteAsync(Compose(LogLevel.Warning, default, nameof(JsonLines), $"{dropped} log entries were dropped", []));
                }
            }
        }
        catch (IOException)
        {
            // Nobody reads standard error any more; there is nowhere left to say so.
            _lines.Writer.TryComplete();
        }
    }

    private void Write(LogLevel level, EventId id, string category, string text, IReadOnlyList<KeyValuePair<string, object?>> fields)
    {
        if (!_lines.Writer.TryWrite(Compose(level, id, category, text, fields)))
        {
            Interlocked.Increment(ref _dropped);
        }
    }

    private byte[] Compose(LogLevel level, EventId id, string category, string text, IReadOnlyList<KeyValuePair<string, object?>> fields)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, WriterOptions))
        {
            json.WriteStartObject();
            json.WriteString("time", _time.GetUtcNow());
            json.WriteString("level", NameOf(level));
            json.WriteNumber("event", id.Id);
            json.WriteString("source", category);
            json.WriteString("text", _mask.Apply(text));
            foreach (var (name, value) in _everywhere)
            {
                json.WriteString(name, value);
            }

            json.WriteStartObject("fields");
            foreach (var (name, value) in fields)
            {
                if (name != "{OriginalFormat}")
                {
                    WriteField(json, JsonNamingPolicy.CamelCase.ConvertName(name), value);
                }
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }

    private void WriteField(Utf8JsonWriter json, string name, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNull(name);
                break;
            case int or long or uint:
                json.WriteNumber(name, Convert.ToInt64(value));
                break;
            case double number:
                json.WriteNumber(name, number);
                break;
            case bool flag:
                json.WriteBoolean(name, flag);
                break;
            default:
                json.WriteString(name, _mask.Apply(value.ToString() ?? string.Empty));
                break;
        }
    }

    private static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "information",
        LogLevel.Warning => "warning",
        _ => "error",
    };

    private sealed class Logger(JsonLines lines, string category) : ILogger
    {
        // The framework's own chatter (connection starts and ends) is of no use to an operator.
        private readonly LogLevel _lowest = category.StartsWith("Microsoft.", StringComparison.Ordinal) ? LogLevel.Warning : LogLevel.Information;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= _lowest && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
            {
                return;
            }

            var fields = state as IReadOnlyList<KeyValuePair<string, object?>> ?? [];
            if (exception is not null)
            {
                fields = [.. fields, new KeyValuePair<string, object?>("exception", exception.ToString())];
            }

            lines.Write(logLevel, eventId, category, formatter(state, exception), fields);
        }
    }
}
