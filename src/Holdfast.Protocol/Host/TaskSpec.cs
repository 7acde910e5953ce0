using System.Text.Json.Serialization;
using Holdfast.Core.Ids;

namespace Holdfast.Protocol.Host;

/// <summary>
/// One idempotent piece of storage work given to a host. A closed hierarchy. Every task names its pool, and only that pool's driver is called for it.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(EnsureVolume), "ensureVolume")]
[JsonDerivedType(typeof(DeleteVolume), "deleteVolume")]
[JsonDerivedType(typeof(ResizeVolume), "resizeVolume")]
[JsonDerivedType(typeof(ImportTemplate), "importTemplate")]
[JsonDerivedType(typeof(ListVolumes), "listVolumes")]
[JsonDerivedType(typeof(RetryObligation), "retryObligation")]
[JsonDerivedType(typeof(ForgetObligation), "forgetObligation")]
public abstract record TaskSpec
{
    private protected TaskSpec()
    {
    }

    /// <summary>The pool whose driver does the work.</summary>
    public required PoolId PoolId { get; init; }

    /// <summary>The pool's name, for texts.</summary>
    public required string PoolName { get; init; }

    /// <summary>Makes a volume exist, empty or cloned from a sealed template volume of the same pool.</summary>
    public sealed record EnsureVolume : TaskSpec
    {
        /// <summary>The volume.</summary>
        public required VolumeId VolumeId { get; init; }

        /// <summary>Generation of the volume.</summary>
        public required Generation VolumeGeneration { get; init; }

        /// <summary>Size in bytes; at least the source's size.</summary>
        public required long SizeBytes { get; init; }

        /// <summary>The sealed volume to clone; null for an empty volume.</summary>
        public VolumeId? Source { get; init; }

        /// <summary>
        /// The generation that the source has; null from a server that does not say. A source that is not there, not sealed or of another generation is told as
        /// <see cref="TaskStatus.LostSource"/>.
        /// </summary>
        public Generation? SourceGeneration { get; init; }

        /// <summary>The user's name of the volume, for texts and for a label at the backend.</summary>
        public required string Label { get; init; }
    }

    /// <summary>
    /// Deletes a volume. The host writes an obligation, answers at once with state <see cref="TaskState.Owed"/>, and the task is done when the backend
    /// has confirmed. Never waits for a sick backend, never forgets.
    /// </summary>
    public sealed record DeleteVolume : TaskSpec
    {
        /// <summary>The volume.</summary>
        public required VolumeId VolumeId { get; init; }

        /// <summary>Generation of the volume that is to go; a newer one found at the backend is not touched.</summary>
        public required Generation VolumeGeneration { get; init; }

        /// <summary>The user's name of the volume, for texts.</summary>
        public required string Label { get; init; }
    }

    /// <summary>Grows a volume. Absolute size, so a repeat is harmless. The guest is told through its machine item.</summary>
    public sealed record ResizeVolume : TaskSpec
    {
        /// <summary>The volume.</summary>
        public required VolumeId VolumeId { get; init; }

        /// <summary>Generation of the volume.</summary>
        public required Generation VolumeGeneration { get; init; }

        /// <summary>New size in bytes.</summary>
        public required long SizeBytes { get; init; }
    }

    /// <summary>
    /// Fetches an image through the sandboxed ingest path, writes it to a new volume of the pool and seals it. The result carries the virtual size.
    /// </summary>
    public sealed record ImportTemplate : TaskSpec
    {
        /// <summary>The template as users see it.</summary>
        public required TemplateId TemplateId { get; init; }

        /// <summary>The template's name, for texts.</summary>
        public required string TemplateName { get; init; }

        /// <summary>The volume that will hold the template on this pool.</summary>
        public required VolumeId VolumeId { get; init; }

        /// <summary>Generation of that volume.</summary>
        public required Generation VolumeGeneration { get; init; }

        /// <summary>
        /// Where the image is: http(s), or <c>file</c> for a path below the directory of local images that the host's operator configured. Already
        /// checked by the server's egress guard; the host checks again after every redirect and name resolution.
        /// </summary>
        public required string Url { get; init; }

        /// <summary>Declared format, lower case: <c>qcow2</c> or <c>raw</c>. The detected format must be the same.</summary>
        public required string Format { get; init; }

        /// <summary>Expected checksum as <c>{ALGORITHM}hex</c> or bare hex (SHA-256, or MD5/SHA-1/SHA-512 by length); null for none.</summary>
        public string? Checksum { get; init; }
    }

    /// <summary>
    /// Looks which volumes of the pool the backend has, and changes nothing. Its id is the pool's id: each look is a new generation of the one task, and the
    /// answer is <see cref="TaskStatus.Listing"/>.
    /// </summary>
    public sealed record ListVolumes : TaskSpec
    {
        /// <summary>Most volumes in one answer: with their names some 400 KB of a report. What is beyond is asked for with <see cref="After"/>.</summary>
        public const int PageSize = 2_000;

        /// <summary>Most things that are not proven ours in one answer; the rest is counted.</summary>
        public const int MostStrays = 200;

        /// <summary>Most volumes that are asked about one by one.</summary>
        public const int MostOnly = 200;

        /// <summary>Only volumes after this one, in the order of their ids as text; null: from the first.</summary>
        public VolumeId? After { get; init; }

        /// <summary>When not empty: the backend is not asked for its list but about each of these, and the answer names those that are there.</summary>
        public IReadOnlyList<VolumeId> Only { get => field ?? []; init; }
    }

    /// <summary>An operator asks to try an obligation now.</summary>
    public sealed record RetryObligation : TaskSpec
    {
        /// <summary>The obligation.</summary>
        public required ObligationId ObligationId { get; init; }
    }

    /// <summary>A named person writes an obligation off.</summary>
    public sealed record ForgetObligation : TaskSpec
    {
        /// <summary>The obligation.</summary>
        public required ObligationId ObligationId { get; init; }

        /// <summary>Why.</summary>
        public required string Reason { get; init; }

        /// <summary>Who.</summary>
        public required string By { get; init; }
    }
}
