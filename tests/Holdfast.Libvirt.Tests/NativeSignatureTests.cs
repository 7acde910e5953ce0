using System.Reflection;
using System.Runtime.InteropServices;
using Holdfast.Libvirt.Native;

namespace Holdfast.Libvirt.Tests;

public sealed class NativeSignatureTests
{
    [Fact]
    public unsafe void Every_function_has_the_signature_that_libvirt_describes()
    {
        var functions = ApiDescription.Load().Descendants("function").ToDictionary(f => (string)f.Attribute("name")!);
        var declared = typeof(LibvirtNative).GetMethods(BindingFlags.Static | BindingFlags.NonPublic)
            .Where(method => method.Name.StartsWith("vir", StringComparison.Ordinal))
            .ToList();

        var wrong = new List<string>();
        foreach (var method in declared)
        {
            if (!functions.TryGetValue(method.Name, out var function))
            {
                wrong.Add($"{method.Name} is unknown to libvirt");
                continue;
            }

            var expected = function.Elements("arg").Select(arg => Kind((string)arg.Attribute("type")!)).Prepend(Kind((string)function.Element("return")!.Attribute("type")!));
            var actual = method.GetParameters().Select(parameter => Kind(parameter.ParameterType)).Prepend(Kind(method.ReturnType));
            if (!expected.SequenceEqual(actual))
            {
                wrong.Add($"{method.Name}: libvirt says ({string.Join(", ", expected)}), declared is ({string.Join(", ", actual)})");
            }
        }

        declared.Count.ShouldBeGreaterThan(35);
        wrong.ShouldBeEmpty();
    }

    [Fact]
    public void Every_function_is_exported_by_the_library()
    {
        Assert.SkipUnless(NativeLibrary.TryLoad("libvirt.so.0", out var library), "libvirt.so.0 is not installed");
        var missing = typeof(LibvirtNative).GetMethods(BindingFlags.Static | BindingFlags.NonPublic)
            .Where(method => method.Name.StartsWith("vir", StringComparison.Ordinal) && !NativeLibrary.TryGetExport(library, method.Name, out _))
            .Select(method => method.Name);
        missing.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(typeof(VirDomainInfo), "virDomainInfo")]
    [InlineData(typeof(VirNodeInfo), "virNodeInfo")]
    [InlineData(typeof(VirDomainDiskError), "virDomainDiskError")]
    [InlineData(typeof(VirError), "virError")]
    public void Structs_begin_with_the_fields_that_libvirt_describes(Type type, string name)
    {
        var structure = ApiDescription.Load().Descendants("struct").Single(s => (string)s.Attribute("name")! == name || (string)s.Attribute("name")! == "_" + name);
        var expected = structure.Elements("field").Select(field => Kind((string)field.Attribute("type")!)).ToList();
        var actual = type.GetFields(BindingFlags.Instance | BindingFlags.NonPublic).Select(FieldKind).ToList();

        // Our virError leaves out what follows; the others are filled by libvirt and must be whole.
        actual.ShouldBe(type == typeof(VirError) ? expected.Take(actual.Count) : expected);
    }

    [Theory]
    [InlineData(typeof(LibvirtDomainState), "virDomainState", "VIR_DOMAIN_")]
    [InlineData(typeof(LibvirtPausedReason), "virDomainPausedReason", "VIR_DOMAIN_PAUSED_")]
    [InlineData(typeof(LibvirtDiskError), "virDomainDiskErrorCode", "VIR_DOMAIN_DISK_ERROR_")]
    [InlineData(typeof(LibvirtErrorCode), "virErrorNumber", "VIR_ERR_")]
    [InlineData(typeof(Events.LibvirtLifecycle), "virDomainEventType", "VIR_DOMAIN_EVENT_")]
    [InlineData(typeof(Events.LibvirtStoppedDetail), "virDomainEventStoppedDetailType", "VIR_DOMAIN_EVENT_STOPPED_")]
    [InlineData(typeof(Events.LibvirtSuspendedDetail), "virDomainEventSuspendedDetailType", "VIR_DOMAIN_EVENT_SUSPENDED_")]
    [InlineData(typeof(Events.LibvirtCloseReason), "virConnectCloseReason", "VIR_CONNECT_CLOSE_REASON_")]
    public void Enums_have_the_numbers_that_libvirt_describes(Type type, string native, string prefix)
    {
        var expected = ApiDescription.Load().Descendants("enum")
            .Where(e => (string)e.Attribute("type")! == native && int.TryParse((string)e.Attribute("value")!, out _))
            .ToLookup(e => Plain(((string)e.Attribute("name")!)[prefix.Length..]), e => (int)e.Attribute("value")!);
        var wrong = Enum.GetValues(type).Cast<object>()
            .Where(value => !expected[Plain(Spelling(value.ToString()!))].Contains(Convert.ToInt32(value)))
            .Select(value => $"{value} = {Convert.ToInt32(value)}");
        wrong.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("VIR_DOMAIN_START_VALIDATE", 16)]
    [InlineData("VIR_DOMAIN_DEFINE_VALIDATE", 1)]
    [InlineData("VIR_CONNECT_LIST_NETWORKS_ACTIVE", 2)]
    [InlineData("VIR_DOMAIN_AFFECT_LIVE", 1)]
    [InlineData("VIR_DOMAIN_BLOCK_RESIZE_BYTES", 1)]
    [InlineData("VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN", 1)]
    [InlineData("VIR_DOMAIN_UNDEFINE_MANAGED_SAVE", 1)]
    [InlineData("VIR_DOMAIN_EVENT_ID_LIFECYCLE", 0)]
    [InlineData("VIR_DOMAIN_EVENT_ID_REBOOT", 1)]
    [InlineData("VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON", 6)]
    [InlineData("VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED", 15)]
    [InlineData("VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED", 22)]
    public void Flags_and_event_ids_have_the_numbers_that_libvirt_describes(string name, int value) =>
        ((int)ApiDescription.Load().Descendants("enum").Single(e => (string)e.Attribute("name")! == name).Attribute("value")!).ShouldBe(value);

    private static string Kind(string native)
    {
        var type = native.Replace("const ", "", StringComparison.Ordinal).Trim();
        return type switch
        {
            "void" => "void",
            "int" => "int",
            "unsigned int" => "uint",
            "unsigned long" => "nuint",
            "unsigned long long" => "ulong",
            "unsigned char" => "byte",
            "unsigned short" => "ushort",
            "char *" => "text",
            "virErrorPtr" => "pointer",
            _ when type.Contains('[', StringComparison.Ordinal) => "array",
            _ when type is "virConnectPtr" or "virDomainPtr" or "virNetworkPtr" => "handle",
            _ when type.EndsWith('*') || type.EndsWith("Ptr", StringComparison.Ordinal) || type.EndsWith("Callback", StringComparison.Ordinal)
                || type.EndsWith("Func", StringComparison.Ordinal) => "pointer",
            _ => native,
        };
    }

    private static unsafe string Kind(Type type)
    {
        if (typeof(SafeHandle).IsAssignableFrom(type) || type == typeof(nint))
        {
            return "handle";
        }

        if (type == typeof(string) || type == typeof(byte*))
        {
            return "text";
        }

        return type.IsPointer || type.IsByRef || type.IsFunctionPointer ? "pointer"
            : type == typeof(void) ? "void"
            : type == typeof(int) ? "int"
            : type == typeof(uint) ? "uint"
            : type == typeof(nuint) ? "nuint"
            : type == typeof(ulong) ? "ulong"
            : type == typeof(ushort) ? "ushort"
            : type == typeof(byte) ? "byte"
            : type.Name;
    }

    private static string FieldKind(FieldInfo field) => field.FieldType.Name.Contains("FixedBuffer", StringComparison.Ordinal) ? "array" : Kind(field.FieldType);

    private static string Plain(string name) => name.Replace("_", "", StringComparison.Ordinal).ToUpperInvariant();

    /// <summary>Our names spell out what libvirt abbreviates.</summary>
    private static string Spelling(string name) => name switch
    {
        "InvalidArgument" => "INVALID_ARG",
        "ArgumentUnsupported" => "ARGUMENT_UNSUPPORTED",
        "EndOfFile" => "EOF",
        "XmlInvalidSchema" => "XML_INVALID_SCHEMA",
        _ => name,
    };
}
