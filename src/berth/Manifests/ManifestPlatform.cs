using System.Text.Json.Nodes;
using Berth.Cli.Text;

namespace Berth.Cli.Manifests;

/// <summary>The machine that one image of a manifest list is for, as its configuration or the user says.</summary>
internal sealed record ManifestPlatform(string Architecture, string Os)
{
    // Go's names of the systems and processors that docker's client lets a list have.
    private static readonly string[] s_known =
    [
        "darwin/386", "darwin/amd64", "darwin/arm", "darwin/arm64", "dragonfly/amd64", "freebsd/386", "freebsd/amd64", "freebsd/arm",
        "linux/386", "linux/amd64", "linux/arm", "linux/arm64", "linux/ppc64le", "linux/mips64", "linux/mips64le", "linux/riscv64",
        "linux/s390x", "netbsd/386", "netbsd/amd64", "netbsd/arm", "openbsd/386", "openbsd/amd64", "openbsd/arm", "plan9/386",
        "plan9/amd64", "solaris/amd64", "windows/386", "windows/amd64",
    ];

    public string OsVersion { get; init; } = "";

    public IReadOnlyList<string> OsFeatures { get; init; } = [];

    public string Variant { get; init; } = "";

    public bool IsKnown => Array.IndexOf(s_known, $"{Os}/{Architecture}") >= 0;

    /// <summary>Reads the fields that a platform and an image's configuration have in common.</summary>
    public static ManifestPlatform Read(JsonNode? json) => new(Field(json, "architecture"), Field(json, "os"))
    {
        OsVersion = Field(json, "os.version"),
        OsFeatures = json is JsonObject && json["os.features"] is JsonArray list ? [.. list.Select(static f => f?.ToString() ?? "")] : [],
        Variant = Field(json, "variant"),
    };

    public JsonObject ToJson()
    {
        JsonObject json = new() { ["architecture"] = Architecture, ["os"] = Os };
        json.SetUnlessEmpty("os.version", OsVersion);
        if (OsFeatures.Count > 0)
            json["os.features"] = new JsonArray([.. OsFeatures.Select(static f => (JsonNode?)JsonValue.Create(f))]);
        json.SetUnlessEmpty("variant", Variant);
        return json;
    }

    private static string Field(JsonNode? json, string name) =>
        json is JsonObject && json[name] is JsonValue value && value.TryGetValue(out string? text) ? text : "";
}
