using System.Text;
using System.Text.Json;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Oci.Runtime;
using Berth.Runtime.Monitors;
using Berth.Stage;

namespace Berth.Runtime.Plans;

/// <summary>Plans the hooks that run in the container's namespaces, with the state they get. The pid is put in by the stage.</summary>
internal static class HookPlan
{
    /// <summary>Adds them.</summary>
    /// <exception cref="FaultException">InvalidArgument: a hook without an absolute path, or a time-out that is not positive.</exception>
    public static void Add(PlanWriter writer, ContainerRequest request)
    {
        (RuntimeSpec spec, string id, string? bundle) = (request.Spec, request.Id, request.Bundle);
        Check(spec.Hooks);
        writer.Header.Flags |= Pauses(spec) ? PlanFlags.PausesForHooks : 0;
        IReadOnlyList<HookSpec> create = spec.Hooks?.CreateContainer ?? [];
        IReadOnlyList<HookSpec> start = spec.Hooks?.StartContainer ?? [];
        if (create.Count + start.Count == 0)
            return;
        (writer.Header.CreateHooks, writer.Header.CreateHookCount) = (
            Array(writer, "createContainer", Label(create, request)), (uint)create.Count);
        (writer.Header.StartHooks, writer.Header.StartHookCount) = (
            Array(writer, "startContainer", Label(start, request)), (uint)start.Count);
        writer.Header.StateHead = writer.Text("{\"pid\":");
        writer.Header.StateCreating = writer.Text(Rest(spec, id, bundle, "creating"));
        writer.Header.StateCreated = writer.Text(Rest(spec, id, bundle, "created"));
    }

    /// <summary>What stands after <c>{"pid":N</c> in a container's state.</summary>
    public static string Rest(RuntimeSpec spec, string id, string? bundle, string status)
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes))
        {
            json.WriteStartObject();
            json.WriteString("ociVersion", spec.OciVersion);
            json.WriteString("id", id);
            json.WriteString("status", status);
            json.WriteString("bundle", bundle ?? "");
            if (spec.Annotations is { Count: > 0 } annotations)
            {
                json.WriteStartObject("annotations");
                foreach ((string name, string value) in annotations)
                    json.WriteString(name, value);
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        return "," + Encoding.UTF8.GetString(bytes.GetBuffer(), 1, (int)bytes.Length - 1);
    }

    /// <summary>A hook's standard input: a file in memory, so that one that does not read keeps nobody waiting, however long the
    /// annotations in the state are.</summary>
    /// <exception cref="LinuxException">ENOMEM, EMFILE.</exception>
    public static FileDescriptor Input(string state)
    {
        FileDescriptor file = MemoryFile.CreateSealed("state", Encoding.UTF8.GetBytes(state));
        FileCalls.Seek(file, 0, FileCalls.SEEK_SET);
        return file;
    }

    /// <summary>Refuses what no hook may be.</summary>
    /// <exception cref="FaultException">InvalidArgument: as for <see cref="Add"/>.</exception>
    public static void Check(HooksSpec? hooks)
    {
        if (hooks is null)
            return;
        IReadOnlyList<HookSpec>?[] all =
            [hooks.Prestart, hooks.CreateRuntime, hooks.CreateContainer, hooks.StartContainer, hooks.Poststart, hooks.Poststop];
        foreach (HookSpec hook in all.SelectMany(static list => list ?? []))
        {
            if (hook.Path is not ['/', ..])
                throw FaultException.Invalid($"invalid hook path \"{hook.Path}\": it is not absolute");
            if (hook.Timeout is <= 0)
                throw FaultException.Invalid($"hook {hook.Path}: the timeout must be greater than zero");
        }
    }

    /// <summary>Whether hooks run in the maker's namespaces before the root is pivoted.</summary>
    public static bool Pauses(RuntimeSpec spec) => spec.Hooks is { Prestart.Count: > 0 } or { CreateRuntime.Count: > 0 };

    /// <summary>Hooks of a bundle with what messages call them.</summary>
    public static IReadOnlyList<LabelledHook> Label(IReadOnlyList<HookSpec>? hooks) =>
        [.. (hooks ?? []).Select(static hook => new LabelledHook(hook, hook.Path))];

    /// <summary>Hooks with what messages call them.</summary>
    public static IReadOnlyList<LabelledHook> Label(IReadOnlyList<HookSpec>? hooks, ContainerRequest request) =>
        [.. (hooks ?? []).Select(hook => new LabelledHook(
            hook, request.HookOwners.TryGetValue(hook, out string? owner) ? $"{hook.Path} of {owner}" : hook.Path))];

    private static uint Array(PlanWriter writer, string kind, IReadOnlyList<LabelledHook> hooks)
    {
        PlanHook[] planned = [.. hooks.Select((labelled, i) => Plan(writer, labelled.Hook, $"#{i} ({kind} {labelled.Label})"))];
        return writer.Array<PlanHook>(planned);
    }

    private static PlanHook Plan(PlanWriter writer, HookSpec hook, string label) => new()
    {
        Path = writer.Text(hook.Path),
        Label = writer.Text(label),
        TimeoutMilliseconds = (uint)Math.Min((hook.Timeout ?? 0) * 1000L, int.MaxValue),
        Arguments = writer.Pointers(hook.Args is { Count: > 0 } arguments ? arguments : [hook.Path]),
        Environment = writer.Pointers(hook.Env ?? []),
    };
}
