using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Holdfast.Core.Ids;
using Holdfast.DriverKit.Conformance.Contract;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;
using Shouldly;
using Xunit;

namespace Holdfast.Drivers.Tests.Kit;

/// <summary>The OpenAPI file and the records say the same.</summary>
public sealed class ProtocolDocumentTests
{
    private static readonly OpenApiDocument Document = OpenApiDocument.Load();

    /// <summary>Schemas of the variants of a hierarchy, which have names of their own.</summary>
    private static readonly Dictionary<string, Type> Variants = new()
    {
        ["VolumeSourceEmpty"] = typeof(VolumeSource.Empty),
        ["VolumeSourceFromVolume"] = typeof(VolumeSource.FromVolume),
        ["VolumeSourceFromSnapshot"] = typeof(VolumeSource.FromSnapshot),
        ["DiskSourceBlock"] = typeof(DiskSource.Block),
        ["DiskSourceFile"] = typeof(DiskSource.File),
        ["DiskSourceNetwork"] = typeof(DiskSource.Network),
    };

    public static TheoryData<string> Objects => [.. Document.Schemas.Where(static name => Document.PropertiesOf(name).Count > 0)];

    public static TheoryData<string> Enumerations =>
        [.. Document.Schemas.Where(static name => Document.ValuesOf(name).Count > 0)];

    [Fact]
    public void Document_AllPaths_AreThoseOfTheProtocol()
    {
        var volume = VolumeId.From(Guid.CreateVersion7());
        var snapshot = SnapshotId.From(Guid.CreateVersion7());
        string[] operations =
        [
            $"GET {DriverPaths.Info}",
            $"GET {DriverPaths.Status}",
            $"POST {DriverPaths.Probe}",
            $"GET {DriverPaths.Calls}",
            $"GET {DriverPaths.Volumes}",
            $"PUT {DriverPaths.Volume(volume)}",
            $"GET {DriverPaths.Volume(volume)}",
            $"DELETE {DriverPaths.Volume(volume)}",
            $"POST {DriverPaths.Resize(volume)}",
            $"POST {DriverPaths.Seal(volume)}",
            $"PUT {DriverPaths.Snapshot(volume, snapshot)}",
            $"DELETE {DriverPaths.Snapshot(volume, snapshot)}",
            $"POST {DriverPaths.Revert(volume, snapshot)}",
            $"GET {DriverPaths.Attachments}",
            $"PUT {DriverPaths.Attachment(volume)}",
            $"DELETE {DriverPaths.Attachment(volume)}",
            $"POST {DriverPaths.Cut(volume)}",
            $"POST {DriverPaths.Resume(volume)}",
        ];

        Document.Operations.Order().ShouldBe(operations
            .Select(operation => operation.Replace($"{volume}", "{volume}", StringComparison.Ordinal).Replace($"{snapshot}", "{snapshot}", StringComparison.Ordinal))
            .Order());
    }

    [Theory]
    [MemberData(nameof(Objects))]
    public void Document_Object_HasTheRecordsMembers(string schema)
    {
        var properties = DriverJson.Default.GetTypeInfo(TypeOf(schema))!.Properties;
        string[] discriminator = Variants.ContainsKey(schema) ? ["type"] : [];

        Document.PropertiesOf(schema).Order().ShouldBe(properties.Select(static property => property.Name).Concat(discriminator).Order());
        Document.RequiredOf(schema).Order().ShouldBe(properties.Where(IsRequired).Select(static property => property.Name).Concat(discriminator).Order());
    }

    [Theory]
    [MemberData(nameof(Enumerations))]
    public void Document_Enumeration_HasTheRecordsValues(string schema) =>
        Document.ValuesOf(schema).Order().ShouldBe(Enum.GetNames(TypeOf(schema)).Select(JsonNamingPolicy.KebabCaseLower.ConvertName).Order());

    [Fact]
    public void Document_Variants_AreThoseOfTheHierarchies()
    {
        foreach (var (schema, type) in new[] { ("VolumeSource", typeof(VolumeSource)), ("DiskSource", typeof(DiskSource)) })
        {
            var derived = DriverJson.Default.GetTypeInfo(type)!.PolymorphismOptions!.DerivedTypes;
            Document.VariantsOf(schema).ToDictionary(static pair => pair.Key, static pair => Variants[pair.Value])
                .ShouldBe(derived.ToDictionary(static one => (string)one.TypeDiscriminator!, static one => one.DerivedType), ignoreOrder: true);
        }
    }

    private static bool IsRequired(JsonPropertyInfo property) => property.IsRequired || property.AssociatedParameter is { IsMemberInitializer: false, HasDefaultValue: false };

    private static Type TypeOf(string schema) =>
        Variants.TryGetValue(schema, out var variant)
            ? variant
            : typeof(DriverPaths).Assembly.GetType($"Holdfast.Protocol.Driver.{schema}") ?? throw new InvalidOperationException($"There is no record {schema}.");
}
