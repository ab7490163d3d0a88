using Berth.BuildKit.Progress;
using Berth.BuildKit.Protocol;
using Berth.Builder;
using Berth.Oci;
using Google.Protobuf;
using Microsoft.Extensions.Time.Testing;

namespace Berth.BuildKit.Tests;

/// <summary>The messages byte for byte, and what a build becomes in them.</summary>
public sealed class WireTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddSeconds(100));
    private readonly List<StatusResponse> _written = [];

    [Fact]
    public void Packet_AsFsutilWritesIt_IsRead()
    {
        // STAT { path "a", mode 0644, mtime 1, xattrs {"user.x": "y"} }
        byte[] stat = Convert.FromHexString("1214" + "0A0161" + "10A403" + "3001" + "520B" + "0A06757365722E78" + "120179");
        stat[1] = (byte)(stat.Length - 2);
        Packet packet = Packet.Parser.ParseFrom(stat);
        Assert.Equal(Packet.Types.PacketType.PacketStat, packet.Type);
        Assert.Equal(("a", 0x1A4u, 1L), (packet.Stat.Path.ToStringUtf8(), packet.Stat.Mode, packet.Stat.ModTime));
        Assert.Equal("y", packet.Stat.Xattrs["user.x"].ToStringUtf8());
        // DATA { id 3, data "hi" } and REQ { id 300 }
        Packet data = Packet.Parser.ParseFrom(Convert.FromHexString("0802" + "1803" + "22026869"));
        Assert.Equal((3u, "hi"), (data.Id, data.Data.ToStringUtf8()));
        Assert.Equal("080118AC02", Convert.ToHexString(new Packet { Type = Packet.Types.PacketType.PacketReq, Id = 300 }.ToByteArray()));
    }

    [Theory]
    [InlineData("12")]
    [InlineData("12FFFFFFFF0F")]
    [InlineData("0AFFFFFFFFFFFFFFFFFF01")]
    public void Packet_CutShortOrTooLong_IsRefused(string hex) =>
        Assert.Throws<InvalidProtocolBufferException>(() => Packet.Parser.ParseFrom(Convert.FromHexString(hex)));

    [Fact]
    public async Task Trace_OfTwoStages_KeepsTheirStepsApart()
    {
        TraceProgress progress = new(new BuildTrace(Take, _time));
        await ReportAsync(progress, 0, new StepStarted(1, 5, "FROM x AS a", default, 0) { Place = new StepPlace("a", 1, 10) });
        await ReportAsync(progress, 1, new StepStarted(3, 5, "RUN true", default, 1) { Place = new StepPlace("stage-1", 10, 10) });
        _time.Advance(TimeSpan.FromSeconds(2));
        await ReportAsync(progress, 1, new StepOutput("said\n", IsError: true));
        await ReportAsync(progress, 0, new StepCached());
        await ReportAsync(progress, 0, new StepFinished(default));
        // A setting has no vertex, and its events belong to none.
        await ReportAsync(progress, 0, new StepStarted(2, 5, "ENV a=b", default, 0));
        await ReportAsync(progress, 0, new StepCached());
        await ReportAsync(progress, 1, new StepFailed(default, "", 3, "use another", "it failed"));

        Vertex[] vertices = [.. _written.SelectMany(message => message.Vertexes)];
        Assert.Equal(["[a  1/10] FROM x AS a", "[stage-1 10/10] RUN true", "[a  1/10] FROM x AS a", "[stage-1 10/10] RUN true"],
            vertices.Select(vertex => vertex.Name));
        Assert.Equal((100L, 102L, true, ""), (vertices[2].Started.Seconds, vertices[2].Completed.Seconds, vertices[2].Cached, vertices[2].Error));
        Assert.Equal((false, "it failed"), (vertices[3].Cached, vertices[3].Error));
        VertexLog[] logs = [.. _written.SelectMany(message => message.Logs)];
        Assert.Equal([("said\n", 2L), ("Hint: use another\n", 2L)], logs.Select(log => (log.Msg.ToStringUtf8(), log.Stream)));
        Assert.All(logs, log => Assert.Equal(vertices[1].Digest, log.Vertex));
    }

    [Fact]
    public async Task Trace_OfAnImage_EndsWithItsNameAndOnlyOnce()
    {
        TraceProgress progress = new(new BuildTrace(Take, _time));
        Digest id = Digest.Of("image"u8);
        await progress.ReportAsync(new ImageBuilt(id), default);
        await progress.ReportAsync(new ImageTagged(Oci.References.ImageReference.Parse("x:1")), default);
        progress.Finish(null);
        progress.Finish("too late to matter");
        Assert.Equal(["exporting layers", $"writing image {id}", "naming to docker.io/library/x:1"],
            _written.SelectMany(message => message.Statuses).Select(status => status.Id));
        Vertex last = _written.SelectMany(message => message.Vertexes).Last();
        Assert.Equal(("exporting to image", "", true), (last.Name, last.Error, last.Completed is not null));
    }

    [Fact]
    public async Task Trace_Abandoned_EndsWhatIsOpen()
    {
        TraceProgress progress = new(new BuildTrace(Take, _time));
        await ReportAsync(progress, 0, new StepStarted(1, 1, "RUN sleep", default, 0) { Place = new StepPlace(null, 1, 1) });
        progress.Finish("context canceled");
        Vertex last = Assert.Single(_written[^1].Vertexes);
        Assert.Equal(("[1/1] RUN sleep", "context canceled"), (last.Name, last.Error));
    }

    private static ValueTask ReportAsync(TraceProgress progress, int stage, BuildEvent happened) =>
        progress.ReportAsync(stage, happened, TestContext.Current.CancellationToken);

    private void Take(ReadOnlyMemory<byte> message) => _written.Add(StatusResponse.Parser.ParseFrom(message.Span));
}
