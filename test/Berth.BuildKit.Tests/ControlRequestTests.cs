using Berth.BuildKit.Control;
using Berth.BuildKit.Export;
using Berth.BuildKit.Protocol;
using Berth.Faults;
using Google.Protobuf;

namespace Berth.BuildKit.Tests;

/// <summary>What a client may ask of a build, and the sentence for what it may not.</summary>
public sealed class ControlRequestTests
{
    [Fact]
    public void Attributes_All_AreRead()
    {
        SolveOptions options = FrontendAttributes.Read(new Dictionary<string, string>
        {
            ["filename"] = "d/Containerfile", ["target"] = "t", ["build-arg:A"] = "b=c", ["label:l"] = "v", ["platform"] = "linux/arm64",
            ["no-cache"] = "one,two", ["image-resolve-mode"] = "pull", ["add-hosts"] = "a=192.0.2.1,\"b=2001:db8::1\"",
            ["force-network-mode"] = "none", ["shm-size"] = "1024", ["ulimit"] = "nofile=1:2,core=3", ["cgroup-parent"] = "p",
            ["contextkey"] = "c", ["dockerfilekey"] = "d", ["context:base:latest"] = "docker-image://x:1", ["local-sessionid:c"] = "s",
            ["frontend.caps"] = "x", ["multi-platform"] = "true", ["attest:sbom"] = "disabled=true",
        });
        Assert.Equal(("d/Containerfile", "t", "linux/arm64", "none", 1024, "p"), (options.Filename, options.Target,
            options.Platform!.ToString(), options.NetworkMode, options.ShmSizeBytes, options.CgroupParent));
        Assert.Equal(("b=c", "v", "x:1", "s"),
            (options.BuildArguments["A"], options.Labels["l"], options.NamedImages["base"], options.Sessions["c"]));
        Assert.Equal((false, true), (options.NoCache, options.Pull));
        Assert.Equal(["one", "two"], options.NoCacheStages);
        Assert.Equal(["a:192.0.2.1", "b:2001:db8::1"], options.ExtraHosts);
        Assert.Equal(((1, 2), (3, 3)), (options.Ulimits["nofile"], options.Ulimits["core"]));
        Assert.Equal(("c", "d"), (options.ContextName, options.DefinitionName));
        Assert.Empty(options.Doubts);
        Assert.True(FrontendAttributes.Read(new Dictionary<string, string> { ["no-cache"] = "" }).NoCache);
        Assert.Equal("/up", FrontendAttributes.Read(new Dictionary<string, string> { ["context"] = "http://buildkit-session/up" }).UploadPath);
        Assert.Equal("https://h/x.git", FrontendAttributes.Read(new Dictionary<string, string> { ["context"] = "https://h/x.git" }).Remote);
    }

    [Fact]
    public void Attribute_NobodyKnows_IsToldOf() => Assert.Equal(
        ["the attribute \"brand-new\" of the build is not known to this engine and has no effect"],
        FrontendAttributes.Read(new Dictionary<string, string> { ["brand-new"] = "1" }).Doubts);

    [Theory]
    [InlineData("platform", "linux/amd64,linux/arm64", "build each platform by itself")]
    [InlineData("platform", "x/y/z/w", "unknown operating system or architecture")]
    [InlineData("image-resolve-mode", "never", "invalid image-resolve-mode: never")]
    [InlineData("force-network-mode", "mynet", "invalid netmode mynet")]
    [InlineData("add-hosts", "noaddress", "invalid key-value pair noaddress")]
    [InlineData("add-hosts", "a=nowhere", "failed to parse IP nowhere")]
    [InlineData("add-hosts", "\"a=192.0.2.1", "a quote is out of place")]
    [InlineData("shm-size", "-1", "not a number of bytes")]
    [InlineData("ulimit", "nofile", "invalid ulimit argument: nofile")]
    [InlineData("ulimit", "nofile=9:1", "soft limit must be less than or equal to hard limit")]
    [InlineData("ulimit", "nofile=-1:1", "soft limit must be less than or equal to hard limit")]
    [InlineData("contextsubdir", "sub", "name the directory itself as the context")]
    [InlineData("context:other", "local:other", "only docker-image:// contexts are offered")]
    [InlineData("context:other", "input:other", "only docker-image:// contexts are offered")]
    [InlineData("attest:provenance", "mode=max", "build with --provenance=false")]
    public void Attribute_ThatCannotBe_IsRefusedInASentence(string name, string value, string sentence)
    {
        FaultException fault =
            Assert.Throws<FaultException>(() => FrontendAttributes.Read(new Dictionary<string, string> { [name] = value }));
        Assert.Contains(sentence, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Plan_OfAnImage_HasItsNamesAndCaches()
    {
        SolveRequest request = new()
        {
            Exporters = { new Exporter { Type = "moby", Attrs = { ["name"] = "a,b:2", ["push"] = "true" } } },
            Cache = new CacheOptions
            {
                Imports = { new CacheOptionsEntry { Type = "registry", Attrs = { ["ref"] = "r:1" } }, new CacheOptionsEntry { Type = "gha" } },
                Exports = { new CacheOptionsEntry { Type = "inline" } },
            },
            Entitlements = { "network.host" },
        };
        SolvePlan plan = SolvePlan.Read(request);
        SolveOptions options = plan.Complete(new SolveOptions { NetworkMode = "host", CacheFrom = ["r:1"] });
        Assert.True(options.AllowsHostNetwork);
        Assert.Null(plan.Form);
        Assert.Equal(["a:latest", "b:2"], options.Tags.Select(tag => tag.Familiar));
        Assert.Equal(["r:1", "type=gha"], options.CacheFrom);
        Assert.StartsWith("cache export inline: ", Assert.Single(options.Doubts));
        Assert.Equal(ExportForm.Tree, SolvePlan.Read(new SolveRequest { ExporterDeprecated = "local" }).Form);
        Assert.Equal(ExportForm.Nothing, SolvePlan.Read(new SolveRequest()).Form);
    }

    public static TheoryData<string, string> Refused => new()
    {
        { "llb", "solves Dockerfiles and no build graphs (LLB)" },
        { "inputs", "solves Dockerfiles and no build graphs (LLB)" },
        { "policy", "source policies are not offered" },
        { "docker", "save it with docker save" },
        { "oci", "save it with docker save" },
        { "moon", "exporter \"moon\" could not be found" },
        { "image:push", "push it with docker push" },
        { "two", "multiple exporters are not supported" },
        { "cache:registry", "cache export registry is not offered" },
        { "cache:local", "cache export local is not offered" },
        { "right:security.insecure", "granting entitlement security.insecure is not allowed by build daemon configuration" },
        { "right:moon", "unknown entitlement moon" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void Plan_ThatIsNotOffered_IsRefusedInASentence(string what, string sentence)
    {
        string[] parts = what.Split(':', 2);
        SolveRequest request = parts switch
        {
            ["llb"] => new SolveRequest { Definition = new Definition { Def = { ByteString.CopyFromUtf8("op") } } },
            ["inputs"] => new SolveRequest { FrontendInputs = { ["context"] = new Definition() } },
            ["policy"] => new SolveRequest { SourcePolicy = new SourcePolicy { Rules = { ByteString.Empty } } },
            ["two"] => new SolveRequest { Exporters = { new Exporter { Type = "moby" }, new Exporter { Type = "tar" } } },
            ["cache", var type] => new SolveRequest { Cache = new CacheOptions { Exports = { new CacheOptionsEntry { Type = type } } } },
            ["right", var right] => new SolveRequest { Entitlements = { right } },
            [var type, var attribute] => new SolveRequest { Exporters = { new Exporter { Type = type, Attrs = { [attribute] = "true" } } } },
            [var type] => new SolveRequest { Exporters = { new Exporter { Type = type } } },
            _ => throw new ArgumentOutOfRangeException(nameof(what)),
        };
        FaultException fault = Assert.Throws<FaultException>(() => SolvePlan.Read(request));
        Assert.Contains(sentence, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Plan_HostNetworkWithoutTheRight_IsForbidden() => Assert.Equal(
        FaultKind.Forbidden,
        Assert.Throws<FaultException>(() => SolvePlan.Read(new SolveRequest()).Complete(new SolveOptions { NetworkMode = "host" })).Kind);
}
