using System.Reflection;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using LinqToDB;
using LinqToDB.Data;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store;

/// <summary>How our types are kept in SQL, the same on SQLite and PostgreSQL: ids and enums as text, times as Unix milliseconds, generations as numbers.</summary>
internal static class StoreMapping
{
    /// <summary>The one schema of the process; building it is costly.</summary>
    public static MappingSchema Schema { get; } = Build();

    private static MappingSchema Build()
    {
        var schema = new MappingSchema("holdfast");
        var mapId = typeof(StoreMapping).GetMethod(nameof(MapId), BindingFlags.NonPublic | BindingFlags.Static)!;
        foreach (var type in typeof(ITypedId<>).Assembly.GetTypes().Where(IsTypedId))
        {
            mapId.MakeGenericMethod(type).Invoke(null, [schema]);
        }

        // The one that comes with SQLite has a length of 255, to which texts are cut when many rows are inserted at once.
        schema.SetDataType(typeof(string), DataType.Text);

        schema.SetDataType(typeof(Guid), DataType.VarChar);
        schema.SetConverter<Guid, DataParameter>(v => new DataParameter(null, v.ToString("D"), DataType.VarChar));
        schema.SetConverter<string, Guid>(Guid.Parse);
        schema.SetValueToSqlConverter(typeof(Guid), (sql, _, v) => sql.Append('\'').Append(((Guid)v).ToString("D")).Append('\''));

        schema.AddScalarType(typeof(Generation), DataType.Int64);
        schema.SetConverter<Generation, DataParameter>(v => new DataParameter(null, v.Value, DataType.Int64));
        schema.SetConverter<Generation, long>(v => v.Value);
        schema.SetConverter<long, Generation>(v => new Generation(v));
        schema.SetValueToSqlConverter(typeof(Generation), (sql, _, v) => sql.Append(((Generation)v).Value));

        schema.AddScalarType(typeof(DateTimeOffset), DataType.Int64);
        schema.SetConverter<DateTimeOffset, DataParameter>(v => new DataParameter(null, v.ToUnixTimeMilliseconds(), DataType.Int64));
        schema.SetConverter<DateTimeOffset, long>(v => v.ToUnixTimeMilliseconds());
        schema.SetConverter<long, DateTimeOffset>(DateTimeOffset.FromUnixTimeMilliseconds);
        schema.SetValueToSqlConverter(typeof(DateTimeOffset), (sql, _, v) => sql.Append(((DateTimeOffset)v).ToUnixTimeMilliseconds()));

        schema.AddScalarType(typeof(JobKind), DataType.VarChar);
        schema.SetConverter<JobKind, DataParameter>(v => new DataParameter(null, v.Name, DataType.VarChar));
        schema.SetConverter<JobKind, string>(v => v.Name);
        schema.SetConverter<string, JobKind>(v => new JobKind(v));
        schema.SetValueToSqlConverter(typeof(JobKind), (sql, _, v) => sql.Append('\'').Append(((JobKind)v).Name.Replace("'", "''", StringComparison.Ordinal)).Append('\''));

        foreach (var type in new[] { typeof(VmState).Assembly, typeof(Desired).Assembly }
            .SelectMany(a => a.GetTypes())
            .Where(t => t.IsEnum && (t.Namespace == typeof(VmState).Namespace || t.Namespace == typeof(Desired).Namespace || t == typeof(PlaneHealth))))
        {
            schema.SetDefaultFromEnumType(type, typeof(string));

            // Left out, a column that may be null keeps the number, which PostgreSQL refuses and no comparison finds.
            schema.SetDefaultFromEnumType(typeof(Nullable<>).MakeGenericType(type), typeof(string));
        }

        return schema;
    }

    private static bool IsTypedId(Type type) =>
        type.IsValueType && type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(ITypedId<>));

    private static void MapId<TId>(MappingSchema schema)
        where TId : struct, ITypedId<TId>
    {
        schema.AddScalarType(typeof(TId), DataType.VarChar);
        schema.SetConverter<TId, DataParameter>(v => new DataParameter(null, v.Value.ToString("D"), DataType.VarChar));
        schema.SetConverter<TId, string>(v => v.Value.ToString("D"));
        schema.SetConverter<string, TId>(v => TId.From(Guid.Parse(v)));
        schema.SetValueToSqlConverter(typeof(TId), (sql, _, v) => sql.Append('\'').Append(((TId)v).Value.ToString("D")).Append('\''));
    }
}
