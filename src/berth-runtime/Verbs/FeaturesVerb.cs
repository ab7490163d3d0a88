using System.Text.Json;
using Berth.Runtime.Bundles;
using Berth.RuntimeProgram.CommandLine;

namespace Berth.RuntimeProgram.Verbs;

/// <summary><c>features</c>: what this program can do, whatever the kernel below it can. OCI runtime-spec 1.2, features.md.</summary>
internal static class FeaturesVerb
{
    /// <summary>The command.</summary>
    public static Verb Definition => new()
    {
        Name = "features",
        Usage = "",
        Summary = "shows what is supported as JSON",
        ArgumentsMin = 0,
        ArgumentsMax = 0,
        Run = static _ =>
        {
            Console.Out.Write(StateVerbs.Json(indented: true, Write) + "\n");
            return 0;
        },
    };

    private static void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("ociVersionMin", "1.0.0");
        json.WriteString("ociVersionMax", VersionText.Specification);
        WriteList(json, "hooks", RuntimeFeatures.Hooks);
        WriteList(json, "mountOptions", RuntimeFeatures.MountOptions);
        json.WriteStartObject("linux");
        WriteList(json, "namespaces", RuntimeFeatures.Namespaces);
        WriteList(json, "capabilities", RuntimeFeatures.Capabilities);
        WriteFlags(json, "cgroup", ("v1", true), ("v2", true), ("systemd", true), ("systemdUser", true), ("rdma", true));
        WriteSeccomp(json);
        WriteFlags(json, "apparmor", ("enabled", true));
        // A process's label is set, labels of mounts are not.
        WriteFlags(json, "selinux", ("enabled", false));
        WriteFlags(json, "intelRdt", ("enabled", false));
        json.WriteStartObject("mountExtensions");
        WriteFlags(json, "idmap", ("enabled", true));
        json.WriteEndObject();
        WriteFlags(json, "netDevices", ("enabled", false));
        json.WriteEndObject();
        json.WriteStartObject("annotations");
        json.WriteString("org.berth.version", VersionText.Number);
        json.WriteEndObject();
        WriteList(json, "potentiallyUnsafeConfigAnnotations", []);
        json.WriteEndObject();
    }

    private static void WriteSeccomp(Utf8JsonWriter json)
    {
        json.WriteStartObject("seccomp");
        json.WriteBoolean("enabled", true);
        WriteList(json, "actions", RuntimeFeatures.SeccompActions);
        WriteList(json, "operators", RuntimeFeatures.SeccompOperators);
        WriteList(json, "archs", RuntimeFeatures.SeccompArchitectures);
        WriteList(json, "knownFlags", RuntimeFeatures.SeccompFlags);
        WriteList(json, "supportedFlags", RuntimeFeatures.SeccompFlags);
        json.WriteEndObject();
    }

    private static void WriteList(Utf8JsonWriter json, string name, IReadOnlyList<string> values)
    {
        json.WriteStartArray(name);
        foreach (string value in values)
            json.WriteStringValue(value);
        json.WriteEndArray();
    }

    private static void WriteFlags(Utf8JsonWriter json, string name, params (string Name, bool Value)[] flags)
    {
        json.WriteStartObject(name);
        foreach ((string flag, bool value) in flags)
            json.WriteBoolean(flag, value);
        json.WriteEndObject();
    }
}
