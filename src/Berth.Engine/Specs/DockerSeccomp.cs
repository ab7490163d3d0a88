using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Berth.Faults;
using Berth.Oci.Runtime;

namespace Berth.Engine.Specs;

/// <summary>Reads a seccomp profile in Docker's form, in which rules depend on capabilities, architecture and kernel.</summary>
internal static class DockerSeccomp
{
    private const int BytesMax = 1024 * 1024;

    /// <exception cref="FaultException">InvalidArgument: it is no profile.</exception>
    public static SeccompSpec Read(string json, IReadOnlyList<string> capabilities)
    {
        if (json.Length > BytesMax)
            throw FaultException.Invalid($"Decoding seccomp profile failed: it is longer than {BytesMax} characters");
        try
        {
            SeccompDocument document = JsonSerializer.Deserialize(json, SeccompJson.Default.SeccompDocument)
                ?? throw FaultException.Invalid("Decoding seccomp profile failed: it is null");
            return new SeccompSpec
            {
                DefaultAction = document.DefaultAction,
                DefaultErrnoRet = document.DefaultErrnoRet,
                Flags = document.Flags,
                Architectures = Architectures(document),
                Syscalls = [.. (document.Syscalls ?? []).Where(rule => Applies(rule, capabilities)).Select(ToRule)],
            };
        }
        catch (JsonException exception)
        {
            throw FaultException.Invalid($"Decoding seccomp profile failed: {exception.Message}", exception);
        }
    }

    private static IReadOnlyList<string>? Architectures(SeccompDocument document)
    {
        string native = RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "SCMP_ARCH_AARCH64" : "SCMP_ARCH_X86_64";
        SeccompArchitecture? mapped = document.ArchMap?.FirstOrDefault(map => map.Architecture == native);
        return mapped is null ? document.Architectures : [native, .. mapped.SubArchitectures ?? []];
    }

    private static bool Applies(SeccompRule rule, IReadOnlyList<string> capabilities) =>
        Holds(rule.Includes, capabilities, whenEmpty: true) && !Holds(rule.Excludes, capabilities, whenEmpty: false);

    private static bool Holds(SeccompCondition? condition, IReadOnlyList<string> capabilities, bool whenEmpty)
    {
        if (condition is null
            || (condition.Caps is not { Count: > 0 } && condition.Arches is not { Count: > 0 } && condition.MinKernel is null))
            return whenEmpty;
        string arch = RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "arm64" : "amd64";
        bool caps = condition.Caps is not { Count: > 0 } wanted
            || (whenEmpty ? wanted.All(capabilities.Contains) : wanted.Any(capabilities.Contains));
        bool arches = condition.Arches is not { Count: > 0 } names || names.Contains(arch);
        bool kernel = condition.MinKernel is null
            || (Version.TryParse(condition.MinKernel, out Version? least) && Environment.OSVersion.Version >= least);
        return caps && arches && kernel;
    }

    private static SyscallRule ToRule(SeccompRule rule) => new()
    {
        Names = rule.Names ?? (rule.Name is null ? [] : [rule.Name]),
        Action = rule.Action,
        ErrnoRet = rule.ErrnoRet,
        Args = rule.Args,
    };
}

internal sealed record SeccompDocument
{
    public string DefaultAction { get; init; } = "";
    public uint? DefaultErrnoRet { get; init; }
    public IReadOnlyList<string>? Architectures { get; init; }
    public IReadOnlyList<SeccompArchitecture>? ArchMap { get; init; }
    public IReadOnlyList<string>? Flags { get; init; }
    public IReadOnlyList<SeccompRule>? Syscalls { get; init; }
}

internal sealed record SeccompArchitecture
{
    public string Architecture { get; init; } = "";
    public IReadOnlyList<string>? SubArchitectures { get; init; }
}

internal sealed record SeccompRule
{
    public string? Name { get; init; }
    public IReadOnlyList<string>? Names { get; init; }
    public string Action { get; init; } = "";
    public uint? ErrnoRet { get; init; }
    public IReadOnlyList<SyscallArgument>? Args { get; init; }
    public SeccompCondition? Includes { get; init; }
    public SeccompCondition? Excludes { get; init; }
}

internal sealed record SeccompCondition
{
    public IReadOnlyList<string>? Caps { get; init; }
    public IReadOnlyList<string>? Arches { get; init; }
    public string? MinKernel { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(SeccompDocument))]
internal sealed partial class SeccompJson : JsonSerializerContext;
