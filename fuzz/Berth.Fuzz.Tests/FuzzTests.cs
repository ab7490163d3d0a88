using System.Diagnostics;
using System.Text;
using Berth.BuildKit.Control;
using Berth.BuildKit.Files;
using Berth.BuildKit.History;
using Berth.BuildKit.Protocol;
using Berth.BuildKit.Protocol.Gateway;
using Berth.Distribution;
using Berth.Dockerfile;
using Berth.Dockerfile.Ignore;
using Berth.Engine;
using Berth.Faults;
using Berth.Layers.Tar;
using Berth.Layers.Trees;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Oci;
using Berth.Oci.Json;
using Berth.Oci.References;
using Berth.Registry.Accounts;
using Berth.Registry.Accounts.Htpasswd;
using Berth.Registry.Cache;
using Berth.Registry.Model;
using Berth.Registry.Pages.Readmes;
using Berth.Registry.Protocol;
using Berth.Registry.Storage;
using Berth.Registry.Tokens;
using Berth.Runtime.Bus;
using Berth.Runtime.Cgroups;
using Berth.Runtime.Systemd;
using Google.Protobuf;
using HubManifest = Berth.Registry.Protocol.ManifestDocument;

namespace Berth.Fuzz.Tests;

public sealed class FuzzTests
{
    private const int ShortRounds = 3_000;
    private static readonly TimeSpan s_slow = TimeSpan.FromSeconds(1);

    private static readonly BearerTokens s_bearers = new(new OneKey(), "hub", TimeProvider.System);

    private static readonly Dictionary<string, (Func<byte[]> Seed, Action<byte[]> Parse)> s_targets = new()
    {
        ["dockerfile"] = (() => Text("# syntax=docker/dockerfile:1\nARG A=b\nFROM --platform=$P x:1 AS y\nRUN --mount=type=cache,target=/c <<E\nhi\nE\n"
            + "COPY --from=y --chown=1:2 [\"a\", \"b\"] /d/\nENV A=\"${B:-c}\" D='e'\nHEALTHCHECK --interval=5s CMD x\n"),
            bytes => DockerfileParser.Parse(String(bytes))),
        ["ignore file"] = (() => Text("# c\n*.o\n!keep.o\n**/x?[a-z]\n/a/b/\n"),
            bytes => IgnoreFile.Parse(String(bytes)).IsIgnored("a/b/c.o")),
        ["build history filter"] = (() => Text("status==error,\"repository~=^a(b|c)*\",startedAt>=2026-01-02T03:04:05Z,duration<1h30m,ref!=x"),
            bytes => HistoryFilter.Parse([String(bytes)], DateTimeOffset.UnixEpoch.AddYears(50)).Matches(
                new BuildHistoryRecord { Ref = "r", CreatedAt = new(), CompletedAt = new() })),
        ["reference"] = (() => Text("localhost:5000/a/b_c:tag@sha256:" + new string('a', 64)), bytes => ImageReference.Parse(String(bytes))),
        ["digest"] = (() => Text("sha512:" + new string('0', 128)), bytes => Digest.TryParse(String(bytes), out _)),
        ["manifest"] = (() => Text("{\"schemaVersion\":2,\"config\":{\"mediaType\":\"a\",\"digest\":\"sha256:" + new string('a', 64)
            + "\",\"size\":3},\"layers\":[],\"annotations\":{\"a\":\"b\"}}"), bytes => OciJson.Read(bytes, OciJson.Manifest, "manifest")),
        ["image config"] = (() => Text("{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Env\":[\"A=b\"],\"Volumes\":{\"/v\":{}}},"
            + "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]},\"history\":[{\"created\":\"2020-01-01T00:00:00Z\"}]}"),
            bytes => OciJson.Read(bytes, OciJson.ImageConfig, "config")),
        ["runtime configuration"] = (() => Text("{\"ociVersion\":\"1.2.0\",\"process\":{\"args\":[\"a\"],\"cwd\":\"/\"},\"linux\":{\"seccomp\":{"
            + "\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"}]}}}"),
            bytes => RuntimeJson.ReadSpec(bytes, "config.json")),
        ["layer archive"] = (Archive, ReadArchive),
        ["registry credentials"] = (() => Text(Convert.ToBase64String("{\"username\":\"u\",\"password\":\"p\"}"u8)),
            bytes => RegistryCredentials.ParseHeader(String(bytes))),
        ["hub authorization header"] = (() => Text("Basic " + Convert.ToBase64String("alice:bhp_x"u8)),
            bytes => AuthorizationHeader.TryParse(String(bytes), out _)),
        ["hub bearer token"] = (() => Text("Bearer " + s_bearers.IssueAsync(new BearerClaims
        {
            AccountId = 7, Name = "alice", Access = [new TokenScope("alice/app", RepositoryAccess.Pull)],
        }, default).AsTask().GetAwaiter().GetResult()), ReadBearer),
        ["hub secret"] = (() => Text(SecretText.Create(SecretKind.Personal)), bytes => SecretText.TryRead(String(bytes), out _)),
        ["hub requested scopes"] = (() => Text("repository:alice/app:pull,push repository(plugin):host:5000/b:* registry:catalog:*"),
            bytes => ScopeText.TryParse([String(bytes)], out _)),
        ["hub token scopes"] = (() => Text("alice/*:pull,push *:administer lab/app:*"), bytes => TokenScopes.Parse([String(bytes)])),
        ["htpasswd file"] = (() => Text("\ufeff# people\nalice:$2y$05$9CJvzwW/jCYmfSc60XEtYe/YF8X8Z.OUvfLSQs6LZANtKWTULM8zm:x\r\n\n"
            + " bob:$apr1$a$b\ncarol:{SHA}x\nDave:y\n"), ReadHtpasswd),
        ["time"] = (() => Text("2026-01-02T03:04:05.123456789Z"), bytes => TimeText.Parse(String(bytes), TimeProvider.System)),
        ["readme"] = (() => Text("# A\n\n| a | b |\n|---|---|\n| ![x](https://a/b.png) | [y](javascript:z) |\n\n- [x] *b* ~~c~~ `d` <e>\n\n"
            + "> 1. [f][g]\n\n```h\n<i>\n```\n\n[g]: https://j \"k\"\n"), bytes => Readme.Render(String(bytes))),
        // Repeated, these cost a parser the square of their length.
        ["readme that costs"] = (() => Text(string.Concat(new[]
        {
            "[a](\"", "[a][", "*a ", "**a *", "a*", "~~a~", "http://(", "> ", "1. ",
        }.Select(piece => string.Concat(Enumerable.Repeat(piece, 50)) + "\n\n"))), bytes => Readme.Render(String(bytes))),
        ["hub manifest"] = (() => Text("{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"config\":{\"digest\":"
            + "\"sha256:" + new string('a', 64) + "\",\"size\":3},\"layers\":[],\"subject\":null,\"annotations\":{\"a\":\"b\"}}"),
            bytes => HubManifest.Parse(bytes, null)),
        ["hub index"] = (() => Text("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"a\",\"digest\":\"sha512:" + new string('b', 128)
            + "\",\"size\":1,\"platform\":{\"os\":\"linux\"}}],\"artifactType\":\"x/y\"}"), bytes => HubManifest.Parse(bytes, null)),
        ["hub path"] = (() => Text("/v2/a/b-c__d/blobs/uploads/0123"), bytes => ReadPath(String(bytes))),
        ["range"] = (() => Text("bytes=10-99"), bytes => ReadRange(String(bytes))),
        ["content range"] = (() => Text("10-99"), bytes => ReadContentRange(String(bytes))),
        ["challenge"] = (() => Text("Bearer realm=\"https://a/token\",service=\"b\", scope=\"repository:c:pull\""),
            bytes => AuthenticationChallenge.Parse(String(bytes))),
        ["upload state"] = (() => Text("upload abc\npart 16777216 \"tag\"\npart 5 x\ntail 77\n"), bytes => S3UploadState.Parse(bytes)),
        ["session packets"] = (SessionPackets, ReceivePackets),
        ["control calls"] = (ControlMessages, AnswerCalls),
        ["mount table"] = (() => Text("30 25 0:26 / /sys/fs/cgroup/a\\040b rw - cgroup cgroup rw,memory\n"),
            bytes => CgroupHierarchy.Parse(String(bytes))),
        ["bus message"] = (BusSignal, bytes => BusMessage.Parse(bytes)),
        ["bus address"] = (() => Text("unix:abstract=/tmp/%41,guid=1;unix:path=/run/bus"), bytes => BusAddress.Parse(String(bytes))),
        ["unit annotation"] = (() => Text("[('a', uint64 0x5, <@as []>), (\"b\\n\", 7, <true>)]"), bytes => VariantText.Parse(String(bytes))),
        ["unit name"] = (() => Text("a-b.slice:prefix:name"), bytes => ScopeName.Parse(String(bytes), "id", isUser: false)),
        ["set of processors"] = (() => Text("0-3,5, 7-9"), bytes => UnitResources.Bits(String(bytes))),
    };

    public static TheoryData<string> Targets => [.. s_targets.Keys];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Parser_AnyBytes_AnswersOrRefuses(string target)
    {
        (Func<byte[]> makeSeed, Action<byte[]> parse) = s_targets[target];
        byte[] seed = makeSeed();
        Record.Exception(() => parse(seed));
        int start = Environment.GetEnvironmentVariable("BERTH_FUZZ_SECONDS") is null ? 20261122 : Environment.TickCount;
        Mutator mutator = new(new Random(start));
        // A short round by count, so that it always does the same; a long one by the clock.
        bool isLong = int.TryParse(Environment.GetEnvironmentVariable("BERTH_FUZZ_SECONDS"), out int seconds);
        long began = Stopwatch.GetTimestamp();
        for (int round = 0; isLong ? Stopwatch.GetElapsedTime(began).TotalSeconds < seconds : round < ShortRounds; round++)
            Try(target, mutator.Mutate(seed), parse, start, round);
    }

    private static void ReadHtpasswd(byte[] bytes)
    {
        HtpasswdText text = HtpasswdText.Parse(bytes);
        foreach (HtpasswdEntry entry in text.Entries.Values)
        {
            // Whatever passes is a name here, and a hash of which no verification takes long.
            if (!AccountName.TryParse(entry.Name, out _) || !BcryptHash.TryParse(entry.Hash, out BcryptHash hash) || hash.Cost > BcryptHash.CostMax)
                throw new InvalidOperationException($"{entry} is taken for an entry");
        }
        // What is printed steers no terminal, and tells no hash.
        if (text.Refusals.Any(refusal => refusal.Reason.Any(char.IsControl) || refusal.Reason.Contains("$2y$05$9CJ", StringComparison.Ordinal)))
            throw new InvalidOperationException("a refusal shows more than it should");
    }

    private static void ReadPath(string text)
    {
        RegistryPath path = RegistryPath.Parse(text);
        // A name that passes is one of the grammar: it leaves no directory.
        if (RepositoryName.TryParse(path.Name, out RepositoryName name) && name.Value.Split('/').Any(part => part is "" or "." or ".."))
            throw new InvalidOperationException($"{name} is taken for a name");
    }

    private static void ReadRange(string text)
    {
        foreach (long size in new[] { 0, 1, 100, long.MaxValue })
        {
            if (ByteRange.TryRead(text, size, out ByteRange? range) && range is { } part
                && (part.Offset < 0 || part.Count <= 0 || part.Offset > size - part.Count))
                throw new InvalidOperationException($"{part} is not a part of {size} bytes");
        }
    }

    private static void ReadContentRange(string text)
    {
        if (ContentRange.TryParse(text, out ContentRange range) && (range.Start < 0 || range.Length <= 0))
            throw new InvalidOperationException($"{range} is nowhere");
    }

    private static void Try(string target, byte[] input, Action<byte[]> parse, int start, int round)
    {
        Exception? failure = null;
        bool slow = true;
        // A machine that stands still for a moment is no slow parser: that is slow each time.
        for (int attempt = 0; slow && attempt < 3; attempt++)
        {
            long before = Stopwatch.GetTimestamp();
            failure = Record.Exception(() => parse(input));
            slow = Stopwatch.GetElapsedTime(before) > s_slow;
        }
        if (!slow && failure is null or FaultException)
            return;
        string folder = Path.Join(Path.GetTempPath(), "berth-fuzz");
        Directory.CreateDirectory(folder);
        string kept = Path.Join(folder, $"{target.Replace(' ', '-')}-{start}-{round}");
        File.WriteAllBytes(kept, input);
        Assert.Fail($"{target}: seed {start}, round {round}: {(slow ? "took longer than a second" : failure)}; the input is in {kept}");
    }

    // What is read must be what was signed: any change of it is refused.
    private static void ReadBearer(byte[] bytes)
    {
        if (!AuthorizationHeader.TryParse(String(bytes), out AuthorizationHeader header) || header.Name is not null)
            return;
        BearerClaims? claims = s_bearers.ReadAsync(header.Secret, default).AsTask().GetAwaiter().GetResult();
        Assert.True(claims is null or { AccountId: 7, Name: "alice", Access: [{ Repository: "alice/app", Access: RepositoryAccess.Pull }] });
    }

    private sealed class OneKey : ISigningKeys
    {
        private readonly SigningKey _key = SigningKey.Create(DateTimeOffset.UtcNow);

        public ValueTask<SigningKey> CurrentAsync(CancellationToken cancellationToken) => new(_key);

        public ValueTask<SigningKey?> FindAsync(string id, CancellationToken cancellationToken) => new(id == _key.Id ? _key : null);
    }

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);

    private static string String(byte[] bytes) => Encoding.UTF8.GetString(bytes);

    private static byte[] Archive()
    {
        using MemoryStream bytes = new();
        using (System.Formats.Tar.TarWriter writer = new(bytes, System.Formats.Tar.TarEntryFormat.Pax, leaveOpen: true))
        {
            writer.WriteEntry(new System.Formats.Tar.PaxTarEntry(System.Formats.Tar.TarEntryType.Directory, "d/"));
            writer.WriteEntry(new System.Formats.Tar.PaxTarEntry(System.Formats.Tar.TarEntryType.RegularFile, "d/" + new string('n', 150))
            {
                DataStream = new MemoryStream(new byte[700]),
            });
            writer.WriteEntry(new System.Formats.Tar.PaxTarEntry(System.Formats.Tar.TarEntryType.SymbolicLink, "l") { LinkName = "../x" });
        }
        return bytes.ToArray();
    }

    // A tree as a client tells it, one packet behind the other with its length before it.
    // A build as Buildx asks for it: what it is to become, and what is to be built, one message behind the other.
    private static byte[] ControlMessages()
    {
        SolveRequest solve = new()
        {
            Ref = "r", Session = "s", Entitlements = { "network.host" },
            Exporters = { new Exporter { Type = "moby", Attrs = { ["name"] = "a:1,b", ["push"] = "true" } } },
            Cache = new CacheOptions { Imports = { new CacheOptionsEntry { Type = "registry", Attrs = { ["ref"] = "x" } } } },
        };
        BridgeSolveRequest bridge = new()
        {
            Frontend = "dockerfile.v0", AllowResultReturn = true,
            FrontendOpt =
            {
                ["filename"] = "Dockerfile", ["build-arg:A"] = "b", ["label:l"] = "v", ["platform"] = "linux/amd64", ["no-cache"] = "a,b",
                ["add-hosts"] = "a=192.0.2.1,\"b=::1\"", ["ulimit"] = "nofile=1:2", ["shm-size"] = "64", ["context:x"] = "docker-image://y",
                ["context"] = "http://buildkit-session/u", ["force-network-mode"] = "host", ["local-sessionid:context"] = "t",
            },
        };
        using MemoryStream bytes = new();
        foreach (IMessage message in new IMessage[] { solve, bridge })
            MessageFrames.WriteAsync(bytes, message, default).GetAwaiter().GetResult();
        return bytes.ToArray();
    }

    private static void AnswerCalls(byte[] bytes)
    {
        using MemoryStream stream = new(bytes);
        try
        {
            if (MessageFrames.ReadAsync(stream, SolveRequest.Parser, default).GetAwaiter().GetResult() is not { } solve)
                return;
            SolvePlan plan = SolvePlan.Read(solve);
            if (MessageFrames.ReadAsync(stream, BridgeSolveRequest.Parser, default).GetAwaiter().GetResult() is { } bridge)
                plan.Complete(FrontendAttributes.Read(bridge.FrontendOpt));
        }
        catch (Grpc.Core.RpcException)
        {
            // A message that is none: the call ends with it.
        }
    }

    private static byte[] BusSignal() => new BusMessage
    {
        Kind = BusMessageKind.Signal, Serial = 9, ReplyTo = 5, Path = "/o", Interface = "i.j", Member = "M", ErrorName = "e.f",
        Body =
        [
            BusValue.Of("text"), BusValue.Of(7ul), BusValue.Array("(sv)",
                [BusValue.Tuple(BusValue.Of("a"), new BusVariant(BusValue.Array("ay", [BusValue.Of([1, 2])])))]),
        ],
    }.ToBytes();

    private static byte[] SessionPackets()
    {
        using MemoryStream bytes = new();
        foreach ((string path, uint mode, long size, string link) in new[]
        {
            ("a", 0x800001EDu, 0L, ""), ("a/b", 0x1A4u, 4L, ""), ("a/c", 0x80001FFu, 0L, "../../x"), ("d", 0x1A4u, 0L, "a/b"),
            ("e.skip", 0x1A4u, 2L, ""), ("f", 0x2000180u, 0L, ""),
        })
        {
            Stat stat = new() { Path = ByteString.CopyFromUtf8(path), Mode = mode, Size = size, Linkname = ByteString.CopyFromUtf8(link) };
            new Packet { Stat = stat }.WriteDelimitedTo(bytes);
        }
        new Packet().WriteDelimitedTo(bytes);
        foreach (string data in new[] { "da", "ta", "" })
            new Packet { Type = Packet.Types.PacketType.PacketData, Id = 1, Data = ByteString.CopyFromUtf8(data) }.WriteDelimitedTo(bytes);
        new Packet { Type = Packet.Types.PacketType.PacketFin }.WriteDelimitedTo(bytes);
        return bytes.ToArray();
    }

    private static void ReceivePackets(byte[] bytes)
    {
        string parent = Directory.CreateTempSubdirectory("berth-fuzz-tree-").FullName;
        try
        {
            using FileDescriptor root = FileCalls.OpenDirectory(Directory.CreateDirectory($"{parent}/root").FullName);
            using FileReceiver receiver = new(root, IgnoreFile.Parse("*.skip"), new ReceiveLimits(100, 1000));
            using MemoryStream stream = new(bytes);
            while (stream.Position < stream.Length)
            {
                receiver.Accept(Packet.Parser.ParseDelimitedFrom(stream));
                while (receiver.TryAsk(out _))
                    continue;
            }
            receiver.Finish();
        }
        catch (InvalidProtocolBufferException)
        {
            // What gRPC refuses before it reaches the receiver.
        }
        finally
        {
            bool isAlone = Directory.GetFileSystemEntries(parent).Length == 1;
            TreeRemover.Remove(parent);
            Assert.True(isAlone, "something was made beside the root");
        }
    }

    private static void ReadArchive(byte[] bytes)
    {
        TarReader reader = new(new MemoryStream(bytes));
        while (reader.Next() is not null)
        {
            while (reader.TryReadData(out _, out _))
                continue;
        }
    }
}
