using System.Collections.Immutable;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Holdfast.Architecture.Tests;

/// <summary>A type of an assembly that uses another one of the same assembly. Types nested in a type count as that type.</summary>
internal sealed record TypeUse(TypeName From, TypeName To);

/// <summary>The name of a type that is nested in no other.</summary>
internal sealed record TypeName(string Namespace, string Name);

/// <summary>
/// Reads from a compiled assembly which of its types use which: in what they are made of, in their members, and in the code of their methods. Constants and <c>nameof</c> leave no
/// trace there; <see cref="UsingDirectives"/> shows them.
/// </summary>
internal sealed class TypeUses : ISignatureTypeProvider<TypeUses.Nothing, TypeUses.Nothing>
{
    private static readonly Dictionary<short, OpCode> OpCodes = typeof(OpCodes).GetFields().Select(field => field.GetValue(null)).OfType<OpCode>().ToDictionary(code => code.Value);
    private readonly PEReader _file;
    private readonly MetadataReader _reader;
    private readonly HashSet<TypeDefinitionHandle> _used = [];

    private TypeUses(PEReader file) => (_file, _reader) = (file, file.GetMetadataReader());

    /// <summary>What a signature is decoded to: it is looked at only for the types in it.</summary>
    internal readonly record struct Nothing;

    /// <summary>Reads an assembly's file.</summary>
    public static IReadOnlyCollection<TypeUse> Of(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        return new TypeUses(file).Read();
    }

    /// <summary>What is compiled, and of what is written only what shows nowhere in that.</summary>
    public static IEnumerable<TypeUse> Join(IReadOnlyCollection<TypeUse> compiled, IEnumerable<TypeUse> written)
    {
        var known = compiled.Select(use => (use.From.Namespace, use.To.Namespace)).ToHashSet();
        return compiled.Concat(written.Where(use => !known.Contains((use.From.Namespace, use.To.Namespace))));
    }

    private HashSet<TypeUse> Read()
    {
        var uses = new HashSet<TypeUse>();
        foreach (var handle in _reader.TypeDefinitions)
        {
            _used.Clear();
            Read(_reader.GetTypeDefinition(handle));
            var user = NameOf(handle);
            uses.UnionWith(_used.Select(NameOf).Where(used => used != user).Select(used => new TypeUse(user, used)));
        }

        return uses;
    }

    private void Read(TypeDefinition type)
    {
        Add(type.BaseType);
        Read(type.GetGenericParameters());
        Read(type.GetCustomAttributes());
        foreach (var implementation in type.GetInterfaceImplementations())
        {
            Add(_reader.GetInterfaceImplementation(implementation).Interface);
        }

        foreach (var field in type.GetFields().Select(_reader.GetFieldDefinition))
        {
            field.DecodeSignature(this, default);
            Read(field.GetCustomAttributes());
        }

        foreach (var method in type.GetMethods().Select(_reader.GetMethodDefinition))
        {
            method.DecodeSignature(this, default);
            Read(method.GetGenericParameters());
            Read(method.GetCustomAttributes());
            if (method.RelativeVirtualAddress != 0)
            {
                Read(_file.GetMethodBody(method.RelativeVirtualAddress));
            }
        }
    }

    private void Read(GenericParameterHandleCollection parameters)
    {
        foreach (var constraint in parameters.Select(_reader.GetGenericParameter).SelectMany(parameter => parameter.GetConstraints()))
        {
            Add(_reader.GetGenericParameterConstraint(constraint).Type);
        }
    }

    private void Read(CustomAttributeHandleCollection attributes)
    {
        foreach (var attribute in attributes.Select(_reader.GetCustomAttribute))
        {
            Add(attribute.Constructor);
        }
    }

    private void Read(MethodBodyBlock body)
    {
        if (!body.LocalSignature.IsNil)
        {
            _reader.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(this, default);
        }

        foreach (var region in body.ExceptionRegions)
        {
            Add(region.CatchType);
        }

        var code = body.GetILReader();
        while (code.RemainingBytes > 0)
        {
            var first = code.ReadByte();
            var operation = OpCodes[first == 0xFE ? (short)(0xFE00 | code.ReadByte()) : first];
            switch (operation.OperandType)
            {
                case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType:
                    Add(MetadataTokens.EntityHandle(code.ReadInt32()));
                    break;
                case OperandType.InlineSwitch:
                    var targets = code.ReadInt32();
                    code.Offset += targets * 4;
                    break;
                default:
                    code.Offset += SizeOf(operation.OperandType);
                    break;
            }
        }
    }

    private static int SizeOf(OperandType operand) => operand switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        _ => 4,
    };

    private void Add(EntityHandle used)
    {
        if (used.IsNil)
        {
            return;
        }

        switch (used.Kind)
        {
            case HandleKind.TypeDefinition:
                _used.Add((TypeDefinitionHandle)used);
                break;
            case HandleKind.TypeSpecification:
                _reader.GetTypeSpecification((TypeSpecificationHandle)used).DecodeSignature(this, default);
                break;
            case HandleKind.MethodDefinition:
                var method = _reader.GetMethodDefinition((MethodDefinitionHandle)used);
                _used.Add(method.GetDeclaringType());
                method.DecodeSignature(this, default);
                break;
            case HandleKind.FieldDefinition:
                var field = _reader.GetFieldDefinition((FieldDefinitionHandle)used);
                _used.Add(field.GetDeclaringType());
                field.DecodeSignature(this, default);
                break;
            case HandleKind.MemberReference:
                var member = _reader.GetMemberReference((MemberReferenceHandle)used);
                Add(member.Parent);
                if (member.GetKind() == MemberReferenceKind.Method)
                {
                    member.DecodeMethodSignature(this, default);
                }
                else
                {
                    member.DecodeFieldSignature(this, default);
                }

                break;
            case HandleKind.MethodSpecification:
                var generic = _reader.GetMethodSpecification((MethodSpecificationHandle)used);
                Add(generic.Method);
                generic.DecodeSignature(this, default);
                break;
        }
    }

    private TypeName NameOf(TypeDefinitionHandle handle)
    {
        var type = _reader.GetTypeDefinition(handle);
        while (type.GetDeclaringType() is { IsNil: false } outer)
        {
            type = _reader.GetTypeDefinition(outer);
        }

        return new TypeName(_reader.GetString(type.Namespace), _reader.GetString(type.Name));
    }

    public Nothing GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind)
    {
        _used.Add(handle);
        return default;
    }

    public Nothing GetTypeFromSpecification(MetadataReader reader, Nothing genericContext, TypeSpecificationHandle handle, byte rawTypeKind)
    {
        Add(handle);
        return default;
    }

    public Nothing GetArrayType(Nothing elementType, ArrayShape shape) => default;

    public Nothing GetByReferenceType(Nothing elementType) => default;

    public Nothing GetFunctionPointerType(MethodSignature<Nothing> signature) => default;

    public Nothing GetGenericInstantiation(Nothing genericType, ImmutableArray<Nothing> typeArguments) => default;

    public Nothing GetGenericMethodParameter(Nothing genericContext, int index) => default;

    public Nothing GetGenericTypeParameter(Nothing genericContext, int index) => default;

    public Nothing GetModifiedType(Nothing modifier, Nothing unmodifiedType, bool isRequired) => default;

    public Nothing GetPinnedType(Nothing elementType) => default;

    public Nothing GetPointerType(Nothing elementType) => default;

    public Nothing GetPrimitiveType(PrimitiveTypeCode typeCode) => default;

    public Nothing GetSZArrayType(Nothing elementType) => default;

    public Nothing GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) => default;
}
