using System.Text;
using Berth.BuildKit.Export;
using Berth.BuildKit.Progress;
using Berth.BuildKit.Protocol;
using Berth.BuildKit.Sessions;
using Berth.Distribution;
using Berth.Dockerfile.Ignore;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;
using Google.Protobuf;
using Microsoft.Extensions.Time.Testing;

namespace Berth.BuildKit.Tests;

/// <summary>A session from the daemon's side, with clients good and bad.</summary>
public sealed class SessionTests : IAsyncLifetime
{
    private const string SendTree = "/moby.filesync.v1.FileSync/DiffCopy";
    private const string TakeTree = "/moby.filesync.v1.FileSend/DiffCopy";
    private const string Secret = "/moby.buildkit.secrets.v1.Secrets/GetSecret";
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-session-").FullName;
    private SessionPeer _peer = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _peer = await SessionPeer.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _peer.DisposeAsync();
        Layers.Trees.TreeRemover.Remove(_directory);
    }

    [Fact]
    public async Task Secrets_AskedFor_AreFoundOrNot()
    {
        _peer.On(Secret, async call =>
        {
            GetSecretRequest asked = (await call.ReadAsync(GetSecretRequest.Parser))!;
            if (asked.Id == "there")
                await call.WriteAsync(new GetSecretResponse { Data = ByteString.CopyFromUtf8("hush") });
            else
                call.Fail(asked.Id == "broken" ? 13 : 5, "no secret");
        });
        await using ClientSession session = await OpenAsync();
        SessionClient client = ClientOf(session);
        Assert.Equal("hush", Encoding.UTF8.GetString((await client.FindSecretAsync("there", Cancel))!.Value.Span));
        Assert.Null(await client.FindSecretAsync("not", Cancel));
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => client.FindSecretAsync("broken", Cancel));
        Assert.Equal((FaultKind.Unavailable, "session: GetSecret: no secret"), (fault.Kind, fault.Message));
        // What the client does not offer is not asked for.
        Assert.Null(await client.FindCredentialsAsync("example.org", Cancel));
        Assert.False(await client.HasAgentAsync("default", Cancel));
    }

    [Theory]
    [InlineData("docker.io", "registry-1.docker.io", "ann", "password")]
    [InlineData("example.org:5000", "example.org:5000", "", "token")]
    [InlineData("example.org", "example.org", "", "")]
    public async Task Credentials_AreAskedByTheHostOfTheLogin(string registry, string host, string user, string secret)
    {
        _peer.On("/moby.filesync.v1.Auth/Credentials", async call =>
        {
            Assert.Equal(host, (await call.ReadAsync(CredentialsRequest.Parser))!.Host);
            await call.WriteAsync(new CredentialsResponse { Username = user, Secret = secret });
        });
        await using ClientSession session = await OpenAsync();
        RegistryCredentials? found = await ClientOf(session).FindCredentialsAsync(registry, Cancel);
        Assert.Equal(secret.Length == 0 ? null : user.Length == 0 ? new RegistryCredentials { IdentityToken = secret }
            : new RegistryCredentials { Username = user, Password = secret }, found);
    }

    [Fact]
    public async Task Context_IsAskedForAndMade()
    {
        string[] headers = [];
        _peer.On(SendTree, async call =>
        {
            headers = [call.Header("dir-name"), call.Header("followpaths"), call.Header("exclude-patterns")];
            await call.WriteAsync(Told("f", size: 3));
            await call.WriteAsync(Told("skipped", size: 3));
            await call.WriteAsync(new Packet());
            Packet asked = (await call.ReadAsync(Packet.Parser))!;
            Assert.Equal((Packet.Types.PacketType.PacketReq, 0u), (asked.Type, asked.Id));
            await call.WriteAsync(Data(0, "abc"));
            await call.WriteAsync(Data(0, ""));
            Assert.Equal(Packet.Types.PacketType.PacketFin, (await call.ReadAsync(Packet.Parser))!.Type);
            await call.WriteAsync(new Packet { Type = Packet.Types.PacketType.PacketFin });
        });
        await using ClientSession session = await OpenAsync();
        await ClientOf(session).SendContextAsync(_directory, IgnoreFile.Parse("skip*"), Cancel);
        Assert.Equal(["context", "", ""], headers);
        Assert.Equal("abc", await File.ReadAllTextAsync(Assert.Single(Directory.GetFileSystemEntries(_directory)), Cancel));
    }

    public static TheoryData<string, string> Hostile => new()
    {
        { "climbs", "a path is relative" },
        { "unsorted", "out of order" },
        { "unasked", "contents that nobody asked for" },
        { "fails", "the client cannot send the files: no room" },
        { "stops", "stopped sending files in the middle" },
        { "huge message", "exceeds" },
        { "garbage", "session: send context" },
        { "goes", "session: send context" },
        { "status", "session: send context: my own words" },
    };

    [Theory]
    [MemberData(nameof(Hostile))]
    public async Task Context_OfAHostileClient_IsRefusedInWords(string how, string message)
    {
        _peer.On(SendTree, async call =>
        {
            switch (how)
            {
                case "climbs":
                    await call.WriteAsync(Told("../escaped"));
                    break;
                case "unsorted":
                    await call.WriteAsync(Told("b"));
                    await call.WriteAsync(Told("a"));
                    break;
                case "unasked":
                    await call.WriteAsync(Data(5, "x"));
                    break;
                case "fails":
                    await call.WriteAsync(new Packet
                    {
                        Type = Packet.Types.PacketType.PacketErr, Data = ByteString.CopyFromUtf8("no room"),
                    });
                    break;
                case "huge message":
                    await call.WriteAsync([1, 2, 3], lengthSaid: int.MaxValue);
                    break;
                case "garbage":
                    await call.WriteAsync([0xFF, 0xFF, 0xFF, 0xFF]);
                    break;
                case "goes":
                    call.Abort();
                    return;
                case "status":
                    call.Fail(7, "my own words");
                    return;
            }
            if (how != "stops")
                await call.ReadAsync(Packet.Parser);
        });
        await using ClientSession session = await OpenAsync();
        FaultException fault = await Assert.ThrowsAsync<FaultException>(
            () => ClientOf(session).SendContextAsync(_directory, IgnoreFile.Empty, Cancel));
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(_directory)!, "escaped"));
        // One bad call ends that call alone.
        Assert.False(session.Closed.IsCancellationRequested);
    }

    [Fact]
    public async Task Tree_Sent_ArrivesWithContentsThatAreAskedFor()
    {
        Directory.CreateDirectory($"{_directory}/d");
        await File.WriteAllTextAsync($"{_directory}/d/f", new string('x', 100_000), Cancel);
        File.CreateSymbolicLink($"{_directory}/d/l", "f");
        List<string> told = [];
        long received = 0;
        _peer.On(TakeTree, async call =>
        {
            while ((await call.ReadAsync(Packet.Parser))!.Stat is { } stat)
                told.Add($"{stat.Path.ToStringUtf8()} {stat.Size} {stat.Linkname.ToStringUtf8()}");
            await call.WriteAsync(new Packet { Type = Packet.Types.PacketType.PacketReq, Id = 1 });
            while ((await call.ReadAsync(Packet.Parser))!.Data is { Length: > 0 } data)
                received += data.Length;
            await call.WriteAsync(new Packet { Type = Packet.Types.PacketType.PacketFin });
            Assert.Equal(Packet.Types.PacketType.PacketFin, (await call.ReadAsync(Packet.Parser))!.Type);
        });
        await ExportAsync(ExportForm.Tree);
        Assert.Equal(["d 0 ", "d/f 100000 ", "d/l 0 f"], told);
        Assert.Equal(100_000, received);
    }

    [Theory]
    [InlineData("asks for nothing that is there", "asks for file 9")]
    [InlineData("asks twice", "was sent before")]
    [InlineData("fails", "the client cannot take the files: no room")]
    [InlineData("stops", "stopped taking files in the middle")]
    [InlineData("status", "my own words")]
    [InlineData("status of many", "my own words")]
    public async Task Tree_TakenByAHostileClient_IsRefusedInWords(string how, string message)
    {
        for (int i = 0; i < (how == "status of many" ? 200 : 1); i++)
            await File.WriteAllTextAsync($"{_directory}/f{i}", "x", Cancel);
        _peer.On(TakeTree, async call =>
        {
            if (how.StartsWith("status", StringComparison.Ordinal))
            {
                call.Fail(7, "my own words");
                return;
            }
            while ((await call.ReadAsync(Packet.Parser))!.Stat is not null)
                continue;
            uint[] asked = how switch { "asks twice" => [0, 0], "asks for nothing that is there" => [9], _ => [] };
            foreach (uint number in asked)
                await call.WriteAsync(new Packet { Type = Packet.Types.PacketType.PacketReq, Id = number });
            if (how == "fails")
                await call.WriteAsync(new Packet
                {
                    Type = Packet.Types.PacketType.PacketErr, Data = ByteString.CopyFromUtf8("no room"),
                });
            while (how != "stops" && await call.ReadAsync(Packet.Parser) is not null)
                continue;
        });
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => ExportAsync(ExportForm.Tree));
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tar_RefusedByTheClient_FailsInItsWords()
    {
        await File.WriteAllBytesAsync($"{_directory}/f", new byte[4 << 20], Cancel);
        _peer.On(TakeTree, call =>
        {
            call.Fail(6, "target already exists");
            return Task.CompletedTask;
        });
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => ExportAsync(ExportForm.Tar));
        Assert.Contains("target already exists", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Agent_Forwarded_CarriesBothWaysUntilEitherEnds()
    {
        _peer.On("/moby.sshforward.v1.SSH/CheckAgent", async call =>
        {
            if ((await call.ReadAsync(CheckAgentRequest.Parser))!.Id == "mine")
                await call.WriteAsync(new CheckAgentResponse());
            else
                call.Fail(2, "unset ssh forward key");
        });
        _peer.On("/moby.sshforward.v1.SSH/ForwardAgent", async call =>
        {
            while (await call.ReadAsync(BytesMessage.Parser) is { } asked)
                await call.WriteAsync(new BytesMessage { Data = ByteString.CopyFromUtf8(call.Header("buildkit.ssh.id") + asked.Data.ToStringUtf8()) });
        });
        await using ClientSession session = await OpenAsync();
        SessionClient client = ClientOf(session);
        Assert.True(await client.HasAgentAsync("mine", Cancel));
        Assert.False(await client.HasAgentAsync("other", Cancel));
        using DuplexStream connection = new();
        Task forwarding = client.ForwardAgentAsync("mine", connection.Far, Cancel);
        await connection.WriteAsync("?"u8.ToArray(), Cancel);
        byte[] answer = new byte[5];
        await connection.ReadExactlyAsync(answer, Cancel);
        Assert.Equal("mine?", Encoding.UTF8.GetString(answer));
        connection.EndWriting();
        await forwarding.WaitAsync(TimeSpan.FromSeconds(20), Cancel);
    }

    [Fact]
    public async Task Table_SessionOfNoBuild_IsClosedInTime()
    {
        FakeTimeProvider time = new();
        SessionTable table = new(time);
        Task running = table.RunAsync(_peer.Offer(), await _peer.ConnectAsync(), Cancel);
        using (SessionUse use = await table.TakeAsync("s", Cancel))
        {
            time.Advance(TimeSpan.FromHours(1));
            Assert.False(use.Session.Closed.IsCancellationRequested);
        }
        while (!running.IsCompleted)
        {
            time.Advance(TimeSpan.FromMinutes(1));
            await Task.Delay(5, Cancel);
        }
        await running;
        Assert.Equal(0, table.Count);
    }

    [Fact]
    public async Task Table_ClientThatGoes_ClosesItsSession()
    {
        SessionTable table = new(TimeProvider.System);
        Stream connection = await _peer.ConnectAsync();
        Task running = table.RunAsync(_peer.Offer(), connection, Cancel);
        using SessionUse use = await table.TakeAsync("s", Cancel);
        await _peer.DisposeAsync();
        await running.WaitAsync(TimeSpan.FromSeconds(20), Cancel);
        Assert.True(use.Session.Closed.IsCancellationRequested);
        Assert.Equal(FaultKind.NotFound, (await Assert.ThrowsAsync<FaultException>(() => table.TakeAsync("s", Cancel))).Kind);
        _peer = await SessionPeer.StartAsync();
    }

    private static Packet Told(string path, long size = 0) => new()
    {
        Stat = new Stat { Path = ByteString.CopyFromUtf8(path), Mode = 0x1A4, Size = size },
    };

    private static Packet Data(uint number, string content) => new()
    {
        Type = Packet.Types.PacketType.PacketData, Id = number, Data = ByteString.CopyFromUtf8(content),
    };

    private static SessionClient ClientOf(ClientSession session) => new(session, Trace());

    private static BuildTrace Trace() => new(_ => { }, TimeProvider.System);

    private async Task<ClientSession> OpenAsync() =>
        await ClientSession.OpenAsync(_peer.Offer(), await _peer.ConnectAsync(), TimeProvider.System, Cancel);

    private async Task ExportAsync(ExportForm form)
    {
        await using ClientSession session = await OpenAsync();
        // As a mount that hangs nowhere is: a place that cannot be read itself.
        using FileDescriptor root = FileCalls.Open(
            FileCalls.WorkingDirectory, FileCalls.PathOf(_directory), FileCalls.O_PATH | FileCalls.O_DIRECTORY);
        await new ClientExport(session, Trace(), form).ExportAsync(root, Cancel);
    }
}
