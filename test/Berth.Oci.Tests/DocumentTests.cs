using System.Text;
using Berth.Faults;
using Berth.Oci.Images;
using Berth.Oci.Json;

namespace Berth.Oci.Tests;

public sealed class DocumentTests
{
    private const string A = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    private const string Entry = $$"""{"mediaType":"m","digest":"{{A}}","size":1}""";

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"config\":" + Entry + "}")]
    [InlineData("{\"layers\":null,\"config\":" + Entry + "}")]
    [InlineData("{\"layers\":[null],\"config\":" + Entry + "}")]
    [InlineData("{\"layers\":[],\"config\":null}")]
    [InlineData("{\"layers\":[],\"layers\":[],\"config\":" + Entry + "}")]
    [InlineData("{\"layers\":{},\"config\":" + Entry + "}")]
    [InlineData("{\"layers\":[],\"config\":" + Entry + "} x")]
    [InlineData("{\"layers\":[],\"config\":{\"mediaType\":\"m\",\"digest\":\"sha256:00\",\"size\":1}}")]
    [InlineData("{\"layers\":[],\"config\":{\"mediaType\":\"m\",\"digest\":7,\"size\":1}}")]
    [InlineData("{\"layers\":[],\"config\":{\"mediaType\":\"m\",\"digest\":\"" + A + "\",\"size\":99999999999999999999}}")]
    [InlineData("{\"layers\":[],\"config\":{\"mediaType\":\"m\",\"digest\":\"" + A + "\",\"size\":\"1\"}}")]
    [InlineData("{\"layers\":[],\"config\":{\"mediaType\":\"\\ud800\",\"digest\":\"" + A + "\",\"size\":1}}")]
    [InlineData("{\"layers\":[],\"annotations\":{\"a\":null},\"config\":" + Entry + "}")]
    public void Read_HostileManifest_IsInvalidArgument(string json) => AssertInvalid(json, OciJson.Manifest);

    [Theory]
    [InlineData("{\"rootfs\":[]}")]
    [InlineData("{\"rootfs\":{\"diff_ids\":[null]}}")]
    [InlineData("{\"rootfs\":{\"diff_ids\":[\"x\"]}}")]
    [InlineData("{\"os\":1}")]
    [InlineData("{\"created\":\"yesterday\"}")]
    [InlineData("{\"config\":{\"Env\":[null]}}")]
    [InlineData("{\"config\":{\"Env\":\"A=b\"}}")]
    [InlineData("{\"config\":{\"Labels\":{\"a\":null}}}")]
    [InlineData("{\"config\":{\"Cmd\":[],\"Cmd\":[\"x\"]}}")]
    [InlineData("{\"history\":[null]}")]
    [InlineData("{\"config\":{\"StopTimeout\":99999999999}}")]
    public void Read_HostileConfig_IsInvalidArgument(string json) => AssertInvalid(json, OciJson.ImageConfig);

    [Fact]
    public void Read_DeepOrHuge_IsInvalidArgument()
    {
        AssertInvalid("{\"x\":" + new string('[', 10_000) + new string(']', 10_000) + "}", OciJson.ImageConfig);
        AssertInvalid("{\"x\":\"" + new string('a', OciJson.DocumentBytesMax) + "\"}", OciJson.ImageConfig);
        AssertInvalid("{\"x\":" + new string('[', 10_000), OciJson.Manifest);
    }

    [Fact]
    public void Read_InvalidUtf8_IsInvalidArgument()
    {
        byte[] bytes = [.. "{\"os\":\""u8, 0xff, 0xfe, .. "\"}"u8];
        Assert.Equal(FaultKind.InvalidArgument, Assert.Throws<FaultException>(() => OciJson.Read(bytes, OciJson.ImageConfig, "x")).Kind);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("{\"os\":null,\"architecture\":null,\"rootfs\":null,\"config\":null,\"history\":null}")]
    [InlineData("{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":null},\"config\":{\"Env\":null,\"Labels\":null,\"Volumes\":null}}")]
    public void Read_ConfigWithNothingInIt_HasNoLayers(string json)
    {
        ImageConfig config = OciJson.Read(Encoding.UTF8.GetBytes(json), OciJson.ImageConfig, "x");
        Assert.Empty(config.RootFs.DiffIds);
        Assert.Equal(("", "", "layers"), (config.Os, config.Architecture, config.RootFs.Type));
        Assert.Null(config.RootFs.Chain);
    }

    [Fact]
    public void Write_ForeignFields_AreKept()
    {
        ImageConfig config = OciJson.Read("{\"os\":\"linux\",\"moby.x\":{\"a\":[1]}}"u8, OciJson.ImageConfig, "x");
        Assert.Contains("\"moby.x\":{\"a\":[1]}", Encoding.UTF8.GetString(OciJson.Write(config, OciJson.ImageConfig)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData("abc", "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    public void Digest_KnownVectors(string text, string expected) =>
        Assert.Equal(expected, Digest.Of(Encoding.ASCII.GetBytes(text)).ToString());

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("sha256:")]
    [InlineData("SHA256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData("sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("sha512:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData("md5:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData(A + "a")]
    [InlineData(A + "\n")]
    [InlineData("sha256:../../../../../../../../../../../../../../../../../../../../../../a")]
    public void Digest_Malformed_IsRefused(string? text) => Assert.False(Digest.TryParse(text, out _));

    // sha256("sha256:<a> sha256:<b>") computed with sha256sum.
    [Fact]
    public void ChainId_KnownVector()
    {
        DiffId a = new(Digest.Parse(A)), b = new(Digest.Parse(A.Replace('a', 'b').Replace("shb", "sha")));
        Assert.Equal(a.Digest, ChainId.Of([a])!.Value.Digest);
        Assert.Equal("sha256:ccd722928bd92476ba1745586fed6e45a102504185ad88cd89e01ff116fd146c", ChainId.Of([a, b]).ToString());
        Assert.Null(ChainId.Of([]));
    }

    private static void AssertInvalid<T>(string json, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        FaultException fault = Assert.Throws<FaultException>(() => OciJson.Read(Encoding.UTF8.GetBytes(json), type, "x"));
        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
    }
}
