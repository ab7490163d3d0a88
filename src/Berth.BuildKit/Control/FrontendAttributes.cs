using System.Globalization;
using System.Net;
using Berth.Faults;
using Berth.Oci.Images;

namespace Berth.BuildKit.Control;

/// <summary>Reads the attributes of frontend <c>dockerfile.v0</c>. What is not offered is refused; what nobody here knows is told to the
/// client as a doubt, because new clients have new attributes.</summary>
/// <remarks>BuildKit, frontend/dockerui/config.go and context.go.</remarks>
internal static class FrontendAttributes
{
    /// <summary>The one frontend there is.</summary>
    public const string Dockerfile = "dockerfile.v0";

    /// <summary>The attribute that asks about a Dockerfile instead of building it.</summary>
    public const string Request = "requestid";

    private const string UploadHost = "http://buildkit-session/";
    private const string BuildArgument = "build-arg:";
    private const string Label = "label:";
    private const string NamedContext = "context:";
    private const string LocalSession = "local-sessionid:";
    private const string Attestation = "attest:";
    private const string ImageScheme = "docker-image://";

    // Said by clients to frontends that are images, or of the sources that the client had; nothing depends on them.
    private static readonly HashSet<string> s_silent =
        new(["frontend.caps", "cache-imports", "cache-from", "vcs:source", "vcs:revision", "vcs:localdir"], StringComparer.Ordinal);

    /// <summary>Reads them.</summary>
    /// <exception cref="FaultException">InvalidArgument: one is wrong. NotSupported: one asks for what is not offered.</exception>
    public static SolveOptions Read(IReadOnlyDictionary<string, string> attributes)
    {
        List<string> doubts = [];
        SolveOptions options = new() { Sessions = Named(attributes, LocalSession), Doubts = doubts };
        Dictionary<string, string?> arguments = [];
        Dictionary<string, string> labels = [];
        Dictionary<string, string> images = new(StringComparer.OrdinalIgnoreCase);
        foreach ((string name, string value) in attributes.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (name.StartsWith(BuildArgument, StringComparison.Ordinal))
                arguments[name[BuildArgument.Length..]] = value;
            else if (name.StartsWith(Label, StringComparison.Ordinal))
                labels[name[Label.Length..]] = value;
            else if (name.StartsWith(NamedContext, StringComparison.Ordinal))
                images[ContextName(name[NamedContext.Length..])] = NamedImage(name[NamedContext.Length..], value);
            else if (name.StartsWith(Attestation, StringComparison.Ordinal))
                RefuseAttestation(name[Attestation.Length..], value);
            else if (!name.StartsWith(LocalSession, StringComparison.Ordinal) && !s_silent.Contains(name))
                options = ReadOne(options, name, value, doubts);
        }
        return options with { BuildArguments = arguments, Labels = labels, NamedImages = images };
    }

    private static SolveOptions ReadOne(SolveOptions options, string name, string value, List<string> doubts)
    {
        switch (name)
        {
            case "filename":
                return value.Length > 0 ? options with { Filename = value } : options;
            case "target":
                return options with { Target = value };
            case "platform":
                return options with { Platform = OnePlatform(value) };
            case "no-cache":
                return value.Length == 0 ? options with { NoCache = true } : options with { NoCacheStages = value.Split(',') };
            case "image-resolve-mode":
                return options with { Pull = IsPull(value) };
            case "add-hosts":
                return options with { ExtraHosts = [.. Fields(value).Select(ExtraHost)] };
            case "force-network-mode":
                return options with { NetworkMode = Network(value) };
            case "shm-size":
                return options with { ShmSizeBytes = Bytes(name, value) };
            case "ulimit":
                return options with { Ulimits = Fields(value).Select(Ulimit).DistinctBy(limit => limit.Key).ToDictionary() };
            case "cgroup-parent":
                return options with { CgroupParent = value.Length > 0 ? value : null };
            case "context":
                return ReadContext(options, value);
            case "contextkey":
                return options with { ContextName = value };
            case "dockerfilekey":
                return options with { DefinitionName = value };
            case "contextsubdir" when value.Length > 0:
                throw Refuse($"contextsubdir {value}: name the directory itself as the context");
            case "multi-platform":
                // One platform in a list of one is the image itself: there are no indexes here to put it into.
                return options;
            case Request:
                return options;
            default:
                doubts.Add($"the attribute \"{name}\" of the build is not known to this engine and has no effect");
                return options;
        }
    }

    private static SolveOptions ReadContext(SolveOptions options, string value) =>
        value.StartsWith(UploadHost, StringComparison.Ordinal) ? options with { UploadPath = value[(UploadHost.Length - 1)..] }
        : value.Length == 0 ? options
        : options with { Remote = value };

    private static Dictionary<string, string> Named(IReadOnlyDictionary<string, string> attributes, string prefix) =>
        attributes.Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(pair => pair.Key[prefix.Length..], pair => pair.Value);

    private static Platform OnePlatform(string text) => text.Contains(',')
        ? throw Refuse($"platform {text}: one build makes one image: build each platform by itself")
        : Platform.Parse(text);

    private static bool IsPull(string mode) => mode switch
    {
        "pull" => true,
        "" or "default" or "local" => false,
        _ => throw FaultException.Invalid($"invalid image-resolve-mode: {mode}"),
    };

    private static string Network(string mode) => mode switch
    {
        "" or "sandbox" => "default",
        "none" or "host" => mode,
        _ => throw FaultException.Invalid($"invalid netmode {mode}"),
    };

    private static string ExtraHost(string field)
    {
        int equals = field.IndexOf('=');
        if (equals < 0)
            throw FaultException.Invalid($"failed to parse additional hosts: invalid key-value pair {field}");
        return IPAddress.TryParse(field[(equals + 1)..], out IPAddress? address)
            ? $"{field[..equals]}:{address}"
            : throw FaultException.Invalid($"failed to parse additional hosts: failed to parse IP {field[(equals + 1)..]}");
    }

    private static long Bytes(string name, string value) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long bytes) ? bytes
            : throw FaultException.Invalid($"failed to parse {name}: \"{value}\" is not a number of bytes");

    // name=soft[:hard]
    private static KeyValuePair<string, (long Soft, long Hard)> Ulimit(string field)
    {
        string[] parts = field.Split('=', 2);
        string[] limits = parts.Length == 2 ? parts[1].Split(':', 2) : [];
        if (limits.Length == 0 || parts[0].Length == 0 || !TryLimit(limits[0], out long soft) || !TryLimit(limits[^1], out long hard))
            throw FaultException.Invalid($"failed to parse ulimit: invalid ulimit argument: {field}");
        return hard != -1 && (soft == -1 || soft > hard)
            ? throw FaultException.Invalid(
                $"failed to parse ulimit: ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}")
            : KeyValuePair.Create(parts[0], (soft, hard));
    }

    private static bool TryLimit(string text, out long limit) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out limit) && limit >= -1;

    // Lists are lines of comma-separated values; a field with a comma or a quote in it stands in quotes.
    private static List<string> Fields(string line)
    {
        List<string> fields = [];
        for (int at = 0; at < line.Length; at++)
        {
            if (line[at] != '"')
            {
                int comma = line.IndexOf(',', at);
                int stop = comma < 0 ? line.Length : comma;
                fields.Add(line[at..stop]);
                at = stop;
                continue;
            }
            System.Text.StringBuilder field = new();
            for (at++; at < line.Length && (line[at] != '"' || (at + 1 < line.Length && line[at + 1] == '"')); at++)
            {
                at += line[at] == '"' ? 1 : 0;
                field.Append(line[at]);
            }
            if (at >= line.Length || (at + 1 < line.Length && line[at + 1] != ','))
                throw FaultException.Invalid($"failed to parse the list {line}: a quote is out of place");
            fields.Add(field.ToString());
            at++;
        }
        return fields;
    }

    // As a name of an image, of which a tag "latest" is no part.
    private static string ContextName(string name)
    {
        int platform = name.IndexOf("::", StringComparison.Ordinal);
        string plain = platform < 0 ? name : name[..platform];
        return plain.EndsWith(":latest", StringComparison.Ordinal) ? plain[..^":latest".Length] : plain;
    }

    private static string NamedImage(string name, string value) => value.StartsWith(ImageScheme, StringComparison.Ordinal)
        ? value[ImageScheme.Length..]
        : throw Refuse($"context {name}={value}: only docker-image:// contexts are offered beside the main one: copy the files into it");

    private static void RefuseAttestation(string name, string value)
    {
        if (value is not ("false" or "disabled=true"))
            throw Refuse($"attestation {name}: this engine makes none: build with --{name}=false");
    }

    private static FaultException Refuse(string message) => new(FaultKind.NotSupported, message);
}
