using System.Globalization;

namespace Holdfast.Server.Api.Commands;

/// <summary>Numbers as the lists of metrics show them: texts with their unit, as CloudStack's do.</summary>
internal static class MetricText
{
    /// <summary>MHz, as GHz.</summary>
    public static string Ghz(long mhz) => string.Create(CultureInfo.InvariantCulture, $"{mhz / 1000.0:0.00} GHz");

    /// <summary>Bytes, as GB of 1,073,741,824.</summary>
    public static string Gb(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.00} GB");

    /// <summary>A part of a whole in per cent, without the sign.</summary>
    public static string Percent(long part, long whole) => whole <= 0 ? "0" : (100.0 * part / whole).ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>Some of all.</summary>
    public static string Of(int some, int all) => string.Create(CultureInfo.InvariantCulture, $"{some} / {all}");
}
