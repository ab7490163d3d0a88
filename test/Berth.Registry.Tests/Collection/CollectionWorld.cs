using System.Text;
using Berth.Oci;
using Berth.Registry.Access;
using Berth.Registry.Accounts;
using Berth.Registry.Collection;
using Berth.Registry.Database;
using Berth.Registry.Hosting;
using Berth.Registry.Operation;
using Berth.Registry.Protocol;
using Berth.Registry.Sealing;
using Berth.Registry.Repositories;
using Berth.Registry.Tests.Hosting;
using Berth.Registry.Tokens;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Berth.Registry.Tests.Collection;

/// <summary>A small hub without a network whose requests and collections run in an order that a <see cref="Schedule"/> makes, and what must hold in it.</summary>
internal sealed class CollectionWorld : IAsyncDisposable
{
    private static readonly string[] s_repositories = ["a/one", "a/two", "b/three"];
    private static readonly string[] s_contents = ["{}", "x", "yy", "zzz"];

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-hub-");
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(60));
    private readonly AccountServices _accounts;
    private readonly HubServices _services;
    private readonly RegistryEndpoints _endpoints;
    private readonly HubDatabase _unwatched;
    private Schedule _schedule = null!;
    private long _deletes;
    private int _deleting;
    private bool _isOwner;

    public CollectionWorld()
    {
        Storage = new GatedStorage(() => _schedule.Gate());
        string path = Path.Join(_directory.FullName, "hub.db");
        _unwatched = HubDatabase.OpenSqlite(path);
        _unwatched.MigrateAsync(HubSchema.Steps, _time, default).GetAwaiter().GetResult();
        _unwatched.WriteAsync(WatchTakenAsync, default).GetAwaiter().GetResult();
        HubDatabase database = HubDatabase.Over(new GatedSource(SqliteSource.Open(path), () => _schedule.Gate()));
        HubOptions options = new()
        {
            DataDirectory = _directory.FullName, UnusedBlobTime = TimeSpan.FromHours(1), UploadTime = TimeSpan.FromHours(2),
        };
        SealedSecrets seals = SealedSecrets.OpenAsync(_unwatched, options.SecretKeyPath, _time, NullLogger.Instance, default)
            .GetAwaiter().GetResult();
        _accounts = new AccountServices(database, options.Accounts, options.Upstreams, seals, _time, NullLoggerFactory.Instance);
        _services = new HubServices
        {
            Options = options, Database = database, Storage = Storage, Collector = new Collector(database, Storage, _time, options),
            Accounts = _accounts,
            Operation = new OperationServices(database, Storage, _accounts, options, _time, NullLoggerFactory.Instance),
            Access = new OpenAccess(anonymousPush: true), Callers = new OpenCallers(), Time = _time, Loggers = NullLoggerFactory.Instance,
        };
        _endpoints = new RegistryEndpoints(_services);
    }

    public GatedStorage Storage { get; }

    /// <summary>Bytes that collections said they freed.</summary>
    public long BytesReported { get; private set; }

    /// <summary>Files that collections found without a row.</summary>
    public long UnnamedRemoved { get; private set; }

    /// <summary>How likely a crash is at each choice of a round.</summary>
    public double CrashesPerChoice { get; init; }

    /// <summary>How many processes have crashed.</summary>
    public long Crashes { get; private set; }

    /// <summary>Lets some pushes, mounts, deletes, pulls and collections happen at once, in an order by chance; the choices that were made.</summary>
    public long Round(Random random)
    {
        _schedule = new Schedule(random) { CrashesPerChoice = CrashesPerChoice };
        int actors = random.Next(2, 5);
        _schedule.Run(Enumerable.Range(0, actors).Select(_ => Actor(random)));
        Crashes += _schedule.Crashes;
        // Who was in the midst of a deletion is so no more.
        _deleting = 0;
        if (_schedule.Crashes == 2 && random.Next(2) == 0)
            LosePower(random);
        _time.Advance(TimeSpan.FromMinutes(random.Next(4) switch { 0 => 0, 1 => 20, 2 => 61, _ => 5 }));
        return _schedule.Choices;
    }

    /// <summary>A collection by itself, after everything unused has become old.</summary>
    public void CollectAll()
    {
        _time.Advance(TimeSpan.FromDays(1));
        _schedule = new Schedule(new Random(1));
        _schedule.Run(CollectAsync);
    }

    /// <summary>What must hold whenever nobody is in the midst of something.</summary>
    public async Task CheckAsync() => await _unwatched.ReadAsync(
        async (transaction, token) =>
        {
            List<string> locations = await transaction.ListAsync($"select location from blobs", reader => reader.GetString(0), token);
            Assert.All(locations, location => Assert.True(Storage.Blobs.ContainsKey(location), $"{location} is not in the storage"));
            Assert.Equal(0, await transaction.NumberAsync(
                $"""
                select count(*) from manifest_references f where f.kind <> 'manifest' and not exists(
                    select 1 from repository_blobs l where l.repository_id = f.repository_id and l.digest = f.digest)
                """, token));
            Assert.Equal(0, await transaction.NumberAsync(
                $"""
                select count(*) from repositories r where r.bytes <> (select coalesce(sum(b.bytes), 0)
                    from repository_blobs l join blobs b on b.digest = l.digest where l.repository_id = r.id)
                """, token));
            if (CrashesPerChoice == 0)
                Assert.Equal(Storage.UploadCount, await transaction.NumberAsync($"select count(*) from uploads", token));
            foreach (string space in new[] { "a", "b" })
                Assert.Equal(
                    await QuotaTable.CountAsync(transaction, space, token), (await QuotaTable.FindAsync(transaction, space, token)).BytesUsed);
            return true;
        }, default);

    /// <summary>
    /// That freed bytes are counted once: whoever took a row of <c>discarded</c> counted what is gone from the storage, no location twice,
    /// and all that collections removed was counted by one of them.
    /// </summary>
    public async Task CheckFreedAsync()
    {
        Dictionary<string, long> taken = (await _unwatched.ReadAsync(
            (transaction, token) => transaction.ListAsync(
                $"select location, bytes from taken", reader => (Location: reader.GetString(0), Bytes: reader.GetInt64(1)), token), default))
            .ToDictionary(row => row.Location, row => row.Bytes);
        Assert.All(taken, row => Assert.Equal(Storage.Removed[row.Key].Bytes, row.Value));
        Assert.All(Storage.Removed.Where(removed => removed.Value.ByCollection), removed => Assert.Contains(removed.Key, taken));
        // What a process counted in which a collection was going on when it crashed, it told nobody.
        if (CrashesPerChoice == 0)
            Assert.Equal(taken.Values.Sum(), BytesReported);
        else
            Assert.InRange(BytesReported, 1, taken.Values.Sum());
    }

    /// <summary>What the database says that is stored.</summary>
    public Task<long?> BytesOfRowsAsync() => _unwatched.ReadAsync(
        (transaction, token) => transaction.NumberAsync($"select coalesce(sum(bytes), 0) from blobs", token), default);

    public async ValueTask DisposeAsync()
    {
        _schedule = new Schedule(new Random(1));
        _services.Operation.Dispose();
        _accounts.Dispose();
        await _unwatched.DisposeAsync();
        await _services.Database.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    // A second row of the same location is a failure of the trigger, and so of whoever takes it.
    private static async Task<bool> WatchTakenAsync(HubTransaction transaction, CancellationToken cancellationToken)
    {
        await transaction.ExecuteAsync($"create table taken(location text primary key, bytes bigint not null)", cancellationToken);
        await transaction.ExecuteAsync(
            $"""
            create trigger taking after delete on discarded when old.confirmed = 1
            begin insert into taken(location, bytes) values (old.location, old.bytes); end
            """, cancellationToken);
        return true;
    }

    private Func<Task> Actor(Random random)
    {
        string repository = s_repositories[random.Next(s_repositories.Length)];
        string other = s_repositories[random.Next(s_repositories.Length)];
        string content = s_contents[random.Next(s_contents.Length)];
        int kind = random.Next(100);
        return kind switch
        {
            < 35 => CollectAsync,
            < 60 => () => PushImageAsync(repository, content),
            < 70 => () => MountAsync(repository, other, content),
            < 78 => () => AskAsync("DELETE", $"/v2/{repository}/manifests/latest"),
            < 86 => () => AskAsync("DELETE", $"/v2/{repository}/manifests/{DigestOfImage(content)}"),
            < 92 => () => AskAsync("DELETE", $"/v2/{repository}/blobs/{HubRig.DigestOf(content)}"),
            < 96 => () => AskAsync("POST", $"/v2/{repository}/blobs/uploads/"),
            _ => () => PullAsync(repository, content),
        };
    }

    // Uploads' rows are what a loss of power may undo.
    private void LosePower(Random random)
    {
        string[] lost = [.. Storage.UploadIds.Concat(Storage.Blobs.Keys.Select(key => key.Split('.')[1])).Where(_ => random.Next(2) == 0)];
        _unwatched.WriteAsync(
            (transaction, token) => transaction.ExecuteAsync($"delete from uploads where id in {lost}", token), default)
            .GetAwaiter().GetResult();
    }

    private async Task CollectAsync()
    {
        Storage.BeginCollecting();
        bool isOwner = _isOwner;
        CollectionReport report = await _services.Collector.RunAsync(default);
        // Until the database names something, it could be the wrong one. A collection that began before that may say so afterwards.
        Assert.False(isOwner && report.SweepRefusal is not null, report.SweepRefusal);
        _isOwner |= report.SweepRefusal is null;
        BytesReported += report.BytesFreed;
        UnnamedRemoved += report.UnnamedRemoved;
    }

    // As clients do: asks for each blob, sends it where it is not there, and then the manifest, which must be taken.
    private async Task PushImageAsync(string repository, string layer)
    {
        long deletes = _deletes;
        bool disturbed = _deleting > 0;
        foreach (string content in new[] { "{}", layer })
        {
            Digest digest = HubRig.DigestOf(content);
            if (await AskAsync("HEAD", $"/v2/{repository}/blobs/{digest}") != 200)
                Assert.Equal(201, await AskAsync("POST", $"/v2/{repository}/blobs/uploads/?digest={digest}", content));
        }
        int status = await AskAsync("PUT", $"/v2/{repository}/manifests/latest", Image(layer));
        // Only somebody who deletes a blob from under a push may spoil it; a collection never.
        Assert.True(status == 201 || status == 404 && (disturbed || _deletes > deletes), $"the manifest was answered with {status}");
    }

    private async Task MountAsync(string repository, string from, string layer)
    {
        long deletes = _deletes;
        bool disturbed = _deleting > 0;
        Digest digest = HubRig.DigestOf(layer);
        if (await AskAsync("POST", $"/v2/{repository}/blobs/uploads/?mount={digest}&from={from}") != 201)
            return;
        int status = await AskAsync("GET", $"/v2/{repository}/blobs/{digest}");
        Assert.True(status == 200 || disturbed || _deletes > deletes, $"a blob that was mounted was answered with {status}");
    }

    private async Task PullAsync(string repository, string layer)
    {
        long deletes = _deletes;
        bool disturbed = _deleting > 0;
        if (await AskAsync("GET", $"/v2/{repository}/manifests/{DigestOfImage(layer)}") == 200)
        {
            int status = await AskAsync("GET", $"/v2/{repository}/blobs/{HubRig.DigestOf(layer)}");
            Assert.True(status == 200 || disturbed || _deletes > deletes, $"a blob of a manifest was answered with {status}");
        }
    }

    private async Task<int> AskAsync(string method, string path, string? body = null)
    {
        bool isDelete = method == "DELETE";
        if (isDelete)
            (_deletes, _deleting) = (_deletes + 1, _deleting + 1);
        string[] parts = path.Split('?', 2);
        var context = new DefaultHttpContext();
        context.Request.Method = method;
        context.Request.Path = parts[0];
        context.Request.QueryString = parts.Length > 1 ? new QueryString("?" + parts[1]) : default;
        context.Request.Body = new MemoryStream(Encoding.UTF8.GetBytes(body ?? ""));
        context.Response.Body = new MemoryStream();
        await _endpoints.HandleAsync(context);
        if (isDelete)
            _deleting--;
        Assert.True(context.Response.StatusCode < 500, $"{method} {path} was answered with {context.Response.StatusCode}");
        return context.Response.StatusCode;
    }

    private static string Image(string layer) => HubRig.Image(HubRig.DigestOf("{}"), HubRig.DigestOf(layer));

    private static Digest DigestOfImage(string layer) => HubRig.DigestOf(Image(layer));
}
