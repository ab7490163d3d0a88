using System.Text;
using Berth.Faults;

namespace Berth.Client.Tests;

public sealed class WireTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("unix:///run/x.sock", EngineTransport.Unix, "/run/x.sock", "", 0)]
    [InlineData("/run/x.sock", EngineTransport.Unix, "/run/x.sock", "", 0)]
    [InlineData("tcp://host:99", EngineTransport.Tcp, "", "host", 99)]
    [InlineData("host:2376", EngineTransport.Tcp, "", "host", 2376)]
    [InlineData("tcp://[::1]:2375", EngineTransport.Tcp, "", "::1", 2375)]
    [InlineData("ssh://me@box:22", EngineTransport.Ssh, "", "box", 22)]
    public void Address_IsRead(string text, EngineTransport transport, string path, string host, int port)
    {
        EngineAddress address = EngineAddress.Parse(text);
        Assert.Equal((transport, path, host, port), (address.Transport, address.Path, address.Host, address.Port));
    }

    [Theory]
    [InlineData("npipe:////./pipe/docker_engine")]
    [InlineData("fd://3")]
    [InlineData("ssh://user:secret@host")]
    [InlineData("ssh://-oProxyCommand=x")]
    [InlineData("unix://")]
    public void Address_Unreachable_IsRefused(string text) => Assert.Throws<FaultException>(() => EngineAddress.Parse(text));

    [Fact]
    public async Task Demultiplex_Frames_GoToTheirStreams()
    {
        byte[] bytes = [1, 0, 0, 0, 0, 0, 0, 2, (byte)'h', (byte)'i', 2, 0, 0, 0, 0, 0, 0, 1, (byte)'!'];
        using MemoryStream source = new(bytes);
        using MemoryStream output = new();
        using MemoryStream error = new();
        await StreamFrames.DemultiplexAsync((b, c) => source.ReadAsync(b[..Math.Min(1, b.Length)], c), output, error, Cancel);
        Assert.Equal(("hi", "!"), (Encoding.UTF8.GetString(output.ToArray()), Encoding.UTF8.GetString(error.ToArray())));
    }

    [Fact]
    public async Task JsonLines_SplitAnywhere_AreJoined()
    {
        using MemoryStream source = new("{\"a\":1}\r\n{\"b\":\"}{\"}  {\"c\":[1,2]}"u8.ToArray());
        List<string> values = [];
        await foreach (System.Text.Json.JsonElement value in JsonLines.ReadAsync(source, Cancel))
            values.Add(value.GetRawText());
        Assert.Equal(["{\"a\":1}", "{\"b\":\"}{\"}", "{\"c\":[1,2]}"], values);
    }
}
