using Berth.BuildKit.Export;
using Berth.BuildKit.Protocol;
using Berth.Faults;
using Berth.Oci.References;

namespace Berth.BuildKit.Control;

/// <summary>What a client wants of a build beside the build: where the result goes, which cache, what it may do.</summary>
internal sealed record SolvePlan
{
    private const string HostNetwork = "network.host";

    /// <summary>Takes the result's files; null makes an image.</summary>
    public ExportForm? Form { get; private init; }

    /// <summary>The names for the image as the client wrote them.</summary>
    public string Names { get; private init; } = "";

    /// <summary>The client lets steps share the machine's network.</summary>
    public bool MayUseHostNetwork { get; private init; }

    /// <summary>Where cache is to come from.</summary>
    public IReadOnlyList<string> CacheFrom { get; private init; } = [];

    private IReadOnlyList<string> Doubts { get; init; } = [];

    /// <summary>Reads it from a request.</summary>
    /// <exception cref="FaultException">InvalidArgument: it is wrong. NotSupported: it asks for what is not offered. Forbidden: a right
    /// that no build gets.</exception>
    public static SolvePlan Read(SolveRequest request)
    {
        if (request.Definition is { Def.Count: > 0 } || request.FrontendInputs.Count > 0)
            throw NoGraph();
        if (request.SourcePolicy is { Rules.Count: > 0 })
            throw Refuse("source policies are not offered by this engine: build without --policy and EXPERIMENTAL_BUILDKIT_SOURCE_POLICY");
        List<string> doubts = [];
        foreach (string right in request.Entitlements)
            Check(right);
        ReadCacheExports(request.Cache, doubts);
        (string type, IDictionary<string, string> attributes) = OneExporter(request);
        SolvePlan plan = new()
        {
            MayUseHostNetwork = request.Entitlements.Contains(HostNetwork),
            CacheFrom = [.. Imports(request.Cache)],
            Doubts = doubts,
        };
        return type.Length == 0 ? plan with { Form = ExportForm.Nothing } : ReadExporter(plan, type, attributes, doubts);
    }

    /// <summary>The build with what this adds to it.</summary>
    /// <exception cref="FaultException">Forbidden: it needs a right that the client did not give.</exception>
    public SolveOptions Complete(SolveOptions options)
    {
        if (options.NetworkMode == "host" && !MayUseHostNetwork)
            throw new FaultException(FaultKind.Forbidden, $"{HostNetwork} is not allowed: build with --allow {HostNetwork}");
        return options with
        {
            AllowsHostNetwork = MayUseHostNetwork,
            Tags = [.. Names.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(name => ImageReference.Parse(name).WithDefaultTag())],
            // The gateway's call and the build's own may both name them.
            CacheFrom = [.. options.CacheFrom.Union(CacheFrom)],
            Doubts = [.. options.Doubts, .. Doubts],
        };
    }

    /// <summary>Why a build graph is refused.</summary>
    public static FaultException NoGraph() => Refuse(
        "this engine solves Dockerfiles and no build graphs (LLB): send frontend dockerfile.v0 without definition and inputs");

    /// <summary>Refuses any frontend but the Dockerfile's.</summary>
    /// <exception cref="FaultException">InvalidArgument: there is no such frontend. NotSupported: it runs images.</exception>
    public static void CheckFrontend(string name)
    {
        if (name == "gateway.v0")
            throw Refuse("frontend gateway.v0: frontends that are images are not offered by this engine: use dockerfile.v0");
        if (name != FrontendAttributes.Dockerfile)
            throw FaultException.Invalid($"invalid frontend: {name}");
    }

    private static SolvePlan ReadExporter(
        SolvePlan plan, string type, IDictionary<string, string> attributes, List<string> doubts)
    {
        ExportForm? form = type switch
        {
            // The docker driver's own name for an image in the engine's store.
            "moby" or "image" => null,
            "local" => ExportForm.Tree,
            "tar" => ExportForm.Tar,
            "docker" or "oci" => throw Refuse(
                $"exporter \"{type}\": this engine sends no archives of images to clients: build an image and save it with docker save"),
            _ => throw FaultException.Invalid($"exporter \"{type}\" could not be found"),
        };
        foreach ((string name, string value) in attributes)
            ReadAttribute(type, name, value, doubts);
        return plan with { Form = form, Names = form is null && attributes.TryGetValue("name", out string? names) ? names : "" };
    }

    private static void ReadAttribute(string type, string name, string value, List<string> doubts)
    {
        if (value.Length == 0 || value == "false" || name == "name")
            return;
        switch (name)
        {
            // The docker driver pushes with docker after the build, and leaves its attribute where it was.
            case "push" when type == "moby":
            case "unpack" or "store":
                return;
            case "push" or "push-by-digest":
                throw Refuse($"exporter \"{type}\": {name} is not offered by this engine: build an image and push it with docker push");
            default:
                doubts.Add($"the attribute \"{name}\" of exporter {type} is not known to this engine and has no effect");
                return;
        }
    }

    private static (string Type, IDictionary<string, string> Attributes) OneExporter(SolveRequest request) =>
        request.Exporters switch
        {
            [] => (request.ExporterDeprecated, request.ExporterAttrsDeprecated),
            [var only] => (only.Type, only.Attrs),
            _ => throw Refuse("multiple exporters are not supported by this engine: build once for each output"),
        };

    private static void Check(string right)
    {
        string name = right.Split('=', 2)[0];
        if (name is "security.insecure" or "device")
            throw new FaultException(
                FaultKind.Forbidden, $"granting entitlement {name} is not allowed by build daemon configuration");
        if (name != HostNetwork)
            throw FaultException.Invalid($"unknown entitlement {right}");
    }

    private static void ReadCacheExports(CacheOptions? cache, List<string> doubts)
    {
        if (cache is null)
            return;
        if (cache.ExportRefDeprecated.Length > 0)
            throw NoCacheExport("registry");
        foreach (CacheOptionsEntry entry in cache.Exports)
        {
            // Asked for by BUILDKIT_INLINE_CACHE=1 too, which is common and without which the image is the same.
            if (entry.Type != "inline")
                throw NoCacheExport(entry.Type);
            doubts.Add("cache export inline: images of this engine carry no cache of their own; steps that were built here are reused");
        }
    }

    private static FaultException NoCacheExport(string type) =>
        Refuse($"cache export {type} is not offered by this engine: build without --cache-to; steps that were built here are reused");

    private static IEnumerable<string> Imports(CacheOptions? cache) => cache is null ? []
        : [.. cache.ImportRefsDeprecated, .. cache.Imports.Select(entry =>
            entry.Attrs.TryGetValue("ref", out string? reference) ? reference : $"type={entry.Type}")];

    private static FaultException Refuse(string message) => new(FaultKind.NotSupported, message);
}
