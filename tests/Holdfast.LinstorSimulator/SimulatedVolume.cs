namespace Holdfast.LinstorSimulation;

/// <summary>One volume as the host has it: its loop device, the file behind it, its size in bytes, and whether anybody has it open.</summary>
public sealed record SimulatedVolume(string Resource, string Device, string BackingFile, long Size, bool IsOpen);
