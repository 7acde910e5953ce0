using Microsoft.Extensions.Logging;

namespace Holdfast.Agent;

/// <summary>What the agent says on standard output, in the server's two formats.</summary>
internal static class AgentLog
{
    private const string TimeFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";

    /// <summary>Has the console written to.</summary>
    /// <param name="builder">Where to.</param>
    /// <param name="json">An object a line instead of text.</param>
    public static void Add(ILoggingBuilder builder, bool json)
    {
        if (json)
        {
            builder.AddJsonConsole(console =>
            {
                console.TimestampFormat = TimeFormat;
                console.UseUtcTimestamp = true;
            });
        }
        else
        {
            builder.AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.TimestampFormat = TimeFormat + " ";
                console.UseUtcTimestamp = true;
            });
        }
    }
}
