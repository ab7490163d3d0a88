using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using Berth.Faults;
using Berth.Registry.Browsing;
using Berth.Registry.Hosting;
using Berth.Registry.Model;
using Berth.Registry.Operation.Backup;
using Berth.Registry.Operation.Import;
using Berth.Registry.Operation.Serving;
using Berth.Registry.Operation.Webhooks;
using Berth.Registry.Sealing;
using Berth.Registry.Tests.Database;
using Berth.Registry.Tokens;

namespace Berth.Registry.Tests.Serving;

public sealed class BackupTests : IAsyncLifetime
{
    private static readonly AuthenticationHeaderValue s_alice = RunningHub.Basic("alice");
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-backup-");
    private RunningHub _hub = null!;
    private string _token = "";
    private (string Manifest, string Layer) _image;

    public async ValueTask InitializeAsync()
    {
        _hub = await RunningHub.StartAsync(options => options with
        {
            NewRepositories = "private", Serving = new ServingSettings { WebhookHosts = ["hooks.example"] },
        });
        long alice = (await _hub.UserAsync("alice", isAdministrator: true)).Id;
        await _hub.Services.Accounts.Organisations.CreateAsync(RunningHub.Operator, "lab", "The \"Lab\" ü", "alice", default);
        (_, _token) = await _hub.Services.Accounts.Secrets.CreateTokenAsync(
            RunningHub.Operator, SecretKind.Personal, alice, "ci", TokenScopes.Parse(["*:pull"]), null, default);
        _image = await _hub.PushAsync("alice/app", "latest", "the layer", s_alice);
        await _hub.PushAsync("lab/app", "v1", "the layer", s_alice);
        await _hub.Services.Browsing.Settings.CreateAsync(RunningHub.Operator, RepositoryName.Parse("base"), new RepositoryChange(), default);
        await _hub.Services.Browsing.Marks.SetAsync(RunningHub.Operator, RepositoryMarks.Official, "base", isSet: true, default);
        await _hub.Services.Browsing.Marks.SetAsync(RunningHub.Operator, RepositoryMarks.Verified, "lab", isSet: true, default);
    }

    public async ValueTask DisposeAsync()
    {
        await _hub.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task Backup_IsAHubAgain() => await RestoreAsync(options => options);

    [Fact]
    public async Task Backup_MovesToPostgreSql_AndBack()
    {
        string database = TestCluster.NewDatabase();
        await using RunningHub large = await RestoreAsync(options => options with { Database = database }, keep: true);
        DirectoryInfo second = Directory.CreateDirectory(Path.Join(_directory.FullName, "second"));
        await new HubBackup(large.Services).RunAsync(RunningHub.Operator, second.FullName, default);
        await using RunningHub small = await RunningHub.StartAsync();
        Assert.Equal(2, (await new HubRestore(small.Services).RunAsync(second.FullName, KeyOf(large), default)).Blobs);
        await SameAsync(small);
    }

    [Fact]
    public async Task BackupOfAnotherHub_IsNotWrittenOver_UnlessThatIsSaid()
    {
        await BackUpAsync();
        string rows = await File.ReadAllTextAsync(Path.Join(_directory.FullName, "hub.jsonl"));
        await using RunningHub other = await RunningHub.StartAsync();
        FaultException refused = await Assert.ThrowsAsync<FaultException>(
            () => new HubBackup(other.Services).RunAsync(RunningHub.Operator, _directory.FullName, default));
        Assert.Equal(FaultKind.Conflict, refused.Kind);
        Assert.Contains("the backup of another hub is there", refused.Message, StringComparison.Ordinal);
        Assert.Equal(rows, await File.ReadAllTextAsync(Path.Join(_directory.FullName, "hub.jsonl")));
        await new HubBackup(other.Services) { Replaces = true }.RunAsync(RunningHub.Operator, _directory.FullName, default);
        Assert.NotEqual(rows, await File.ReadAllTextAsync(Path.Join(_directory.FullName, "hub.jsonl")));
        await Assert.ThrowsAsync<FaultException>(BackUpAsync);
        Assert.Empty(Directory.EnumerateFiles(_directory.FullName, "*.new", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task SecondBackup_CopiesWhatIsNew()
    {
        Assert.Equal(new BackupReport(2, 2, await BytesAsync()), await BackUpAsync());
        Assert.Equal(new BackupReport(2, 0, 0), await BackUpAsync());
        await _hub.PushAsync("alice/app", "v2", "another layer", s_alice);
        Assert.Equal((4, 2), ((await BackUpAsync()) is { } report ? (report.Blobs, report.Copied) : default));
        Assert.Empty(Directory.EnumerateFiles(_directory.FullName, "*.new", SearchOption.AllDirectories));
        // Private layers and password hashes are in it, wherever an operator puts it.
        Assert.All(Directory.EnumerateFiles(_directory.FullName, "*", SearchOption.AllDirectories),
            file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
        Assert.Empty(Directory.EnumerateFiles(_directory.FullName, "*.db*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task BlobThatTheStorageHasNot_IsNamed()
    {
        FileInfo[] blobs = new DirectoryInfo(Path.Join(_hub.Services.Options.DataDirectory, "blobs"))
            .GetFiles("*", SearchOption.AllDirectories);
        blobs[0].Delete();
        var fault = await Assert.ThrowsAsync<FaultException>(
            () => new HubBackup(_hub.Services).RunAsync(RunningHub.Operator, _directory.FullName, default));
        Assert.Contains($"sha256:{blobs[0].Name.Split('.')[0]}: push", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(blobs[1].Name.Split('.')[0], fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public async Task Secrets_ComeBack_WithTheKey(bool isNamed)
    {
        (string secret, string token) = await SecretsAsync();
        await BackUpAsync();
        string rows = await File.ReadAllTextAsync(Path.Join(_directory.FullName, "hub.jsonl"));
        Assert.Contains("hooks.example", rows, StringComparison.Ordinal);
        Assert.DoesNotContain(secret["whsec_".Length..], rows, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToBase64String(await PrivateKeyAsync(_hub)), rows, StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.EnumerateFiles(_directory.FullName), path => path.Contains("key", StringComparison.Ordinal));
        string key = Path.Join(_directory.FullName, "kept.key");
        File.Copy(_hub.Services.Accounts.Seals.KeyFile, key);
        await using RunningHub hub = await RunningHub.StartAsync(options => isNamed ? options : options with { SecretKeyFile = key });
        RestoreReport report = await new HubRestore(hub.Services).RunAsync(
            _directory.FullName, new RestoreKeys { KeyFile = isNamed ? key : null }, default);
        Assert.Equal((0, 0), (report.SigningKeysLost, report.WebhooksLost.Count));
        Assert.Equal(secret, hub.Services.Operation.Queue.SecretOf(Assert.Single(await DeliveriesAsync(hub))));
        Assert.Equal(7, (await hub.Services.Accounts.Bearers.ReadAsync(token, default))?.AccountId);
    }

    [Fact]
    public async Task Secrets_AreGivenUp_OnlyWhenAsked_WithoutTheKey()
    {
        (_, string token) = await SecretsAsync();
        await BackUpAsync();
        await using RunningHub hub = await RunningHub.StartAsync();
        FaultException fault = await Assert.ThrowsAsync<FaultException>(
            () => new HubRestore(hub.Services).RunAsync(_directory.FullName, new RestoreKeys(), default));
        Assert.Equal(FaultKind.Conflict, fault.Kind);
        Assert.Contains("--key FILE", fault.Message, StringComparison.Ordinal);
        // Nothing was written: it may be tried again.
        RestoreReport report = await new HubRestore(hub.Services).RunAsync(_directory.FullName, new RestoreKeys { MayLose = true }, default);
        Assert.Equal((2, 1), (report.Blobs, report.SigningKeysLost));
        Assert.Equal(new LostWebhook(1, "alice/app", "https://hooks.example/x", "push"), Assert.Single(report.WebhooksLost));
        Assert.Empty(await hub.Services.Operation.Webhooks.ListAsync("alice", default));
        Assert.Empty(await DeliveriesAsync(hub));
        Assert.Null(await hub.Services.Accounts.Bearers.ReadAsync(token, default));
        await SameAsync(hub);
    }

    [Fact]
    public async Task BackupOfAnOlderHub_ComesBack_Encrypted()
    {
        (string secret, string token) = await SecretsAsync();
        await BackUpAsync();
        string path = Path.Join(_directory.FullName, "hub.jsonl");
        string rows = (await File.ReadAllTextAsync(path)).Replace("\"version\":2", "\"version\":1", StringComparison.Ordinal);
        rows = Regex.Replace(rows, "\"sealed:[^\"]*\"", $"\"{secret}\"");
        byte[] signing = await PrivateKeyAsync(_hub);
        rows = Regex.Replace(rows, "(\"signing_keys\",\"[0-9a-f]+\",\\{\"b64\":\")[^\"]*", "$1" + Convert.ToBase64String(signing));
        await File.WriteAllTextAsync(path, rows);
        await using RunningHub hub = await RunningHub.StartAsync();
        await new HubRestore(hub.Services).RunAsync(_directory.FullName, new RestoreKeys(), default);
        Assert.Equal(7, (await hub.Services.Accounts.Bearers.ReadAsync(token, default))?.AccountId);
        WebhookQueue.Due due = Assert.Single(await DeliveriesAsync(hub));
        Assert.StartsWith("sealed:", due.Sealed, StringComparison.Ordinal);
        Assert.Equal(secret, hub.Services.Operation.Queue.SecretOf(due));
        Assert.Equal(signing, await PrivateKeyAsync(hub));
    }

    [Theory]
    [InlineData("\"sealed:AAAA\"")]
    [InlineData("\"whsec_AAAA\"")]
    public async Task SecretThatWasChanged_IsRefused(string changed)
    {
        await SecretsAsync();
        await BackUpAsync();
        string path = Path.Join(_directory.FullName, "hub.jsonl");
        await File.WriteAllTextAsync(path, Regex.Replace(await File.ReadAllTextAsync(path), "\"sealed:[^\"]*\"", changed));
        await using RunningHub hub = await RunningHub.StartAsync();
        Assert.Equal(FaultKind.InvalidArgument, (await Assert.ThrowsAsync<FaultException>(
            () => new HubRestore(hub.Services).RunAsync(_directory.FullName, KeyOf(_hub), default))).Kind);
    }

    [Fact]
    public async Task Restore_IntoAUsedHub_IsRefused()
    {
        await BackUpAsync();
        Assert.Equal(FaultKind.Conflict, (await Assert.ThrowsAsync<FaultException>(
            () => new HubRestore(_hub.Services).RunAsync(_directory.FullName, new RestoreKeys(), default))).Kind);
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("newer")]
    [InlineData("foreign")]
    [InlineData("table")]
    [InlineData("blob")]
    public async Task Restore_OfADamagedBackup_IsRefused(string damage)
    {
        await BackUpAsync();
        string rows = Path.Join(_directory.FullName, "hub.jsonl");
        string text = await File.ReadAllTextAsync(rows);
        string changed = damage switch
        {
            "cut" => text[..(text.Length / 2)],
            "newer" => text.Replace("\"version\":2", "\"version\":3", StringComparison.Ordinal),
            "foreign" => "{}\n",
            "table" => text.Replace("\"table\":\"users\"", "\"table\":\"users; drop table users\"", StringComparison.Ordinal),
            _ => text,
        };
        await File.WriteAllTextAsync(rows, changed);
        if (damage == "blob")
        {
            string hex = _image.Layer["sha256:".Length..];
            await File.WriteAllTextAsync(Path.Join(_directory.FullName, "blobs", "sha256", hex[..2], hex), "other bytes");
        }
        await using RunningHub empty = await RunningHub.StartAsync();
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => new HubRestore(empty.Services).RunAsync(_directory.FullName, KeyOf(_hub), default));
        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
    }

    [Theory]
    [InlineData(false, "missing"), InlineData(false, "damaged"), InlineData(false, "row")]
    [InlineData(true, "missing"), InlineData(true, "damaged"), InlineData(true, "row")]
    public async Task RestoreThatFails_LeavesAnEmptyHub_AndMayBeTriedAgain(bool isPostgreSql, string damage)
    {
        await BackUpAsync();
        string[] blobs = Directory.GetFiles(Path.Join(_directory.FullName, "blobs"), "*", SearchOption.AllDirectories);
        Assert.Equal(2, blobs.Length);
        Dictionary<string, byte[]> good = new[] { Path.Join(_directory.FullName, "hub.jsonl"), blobs[0], blobs[1] }
            .ToDictionary(path => path, File.ReadAllBytes);
        if (damage == "row")
        {
            // The last that is put back: everything else is there by then.
            List<string> lines = [.. await File.ReadAllLinesAsync(good.First().Key)];
            lines.Insert(lines.Count - 1, "[\"no such table\"]");
            await File.WriteAllLinesAsync(good.First().Key, lines);
        }
        foreach (string blob in damage == "row" ? [] : blobs)
        {
            File.Delete(blob);
            if (damage == "damaged")
                await File.WriteAllTextAsync(blob, "other bytes");
        }
        string database = isPostgreSql ? TestCluster.NewDatabase() : "";
        await using RunningHub hub = await RunningHub.StartAsync(options => isPostgreSql ? options with { Database = database } : options);
        FaultException fault = await Assert.ThrowsAsync<FaultException>(
            () => new HubRestore(hub.Services).RunAsync(_directory.FullName, KeyOf(_hub), default));
        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
        // All of them, so that nobody looks for one after the other.
        Assert.All(damage == "row" ? [] : blobs, blob => Assert.Contains(Path.GetFileName(blob), fault.Message, StringComparison.Ordinal));
        Assert.Null(await hub.Services.Accounts.Users.FindAsync("alice", default));
        Assert.Empty(await hub.Services.Storage.FilesAsync(default).ToListAsync());
        foreach ((string path, byte[] bytes) in good)
            await File.WriteAllBytesAsync(path, bytes);
        Assert.Equal(2, (await new HubRestore(hub.Services).RunAsync(_directory.FullName, KeyOf(_hub), default)).Blobs);
        await SameAsync(hub);
    }

    [Fact]
    public async Task Import_TakesARegistrysFolder()
    {
        string folder = Path.Join(_directory.FullName, "registry");
        byte[] config = "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}"u8.ToArray();
        byte[] layer = "old layer"u8.ToArray();
        byte[] manifest = RunningHub.ManifestOf(config, layer);
        string digest = RunningHub.DigestOf(manifest);
        foreach (byte[] blob in new[] { config, layer, manifest })
            Write(folder, $"blobs/sha256/{Hex(blob)[..2]}/{Hex(blob)}/data", blob);
        foreach (string name in new[] { "alice/old", "old/deep/name" })
        {
            Write(folder, $"repositories/{name}/_manifests/revisions/sha256/{Hex(manifest)}/link", System.Text.Encoding.ASCII.GetBytes(digest));
            Write(folder, $"repositories/{name}/_manifests/tags/v1/current/link", System.Text.Encoding.ASCII.GetBytes(digest));
        }
        Write(folder, "repositories/alice/old/_manifests/tags/gone/current/link", System.Text.Encoding.ASCII.GetBytes("sha256:" + new string('0', 64)));
        var import = new RegistryImport(_hub.Services);
        ImportReport report = await import.RunAsync(RunningHub.Operator, folder, "private", default);
        Assert.Equal((2, 2, 2, 2), (report.Repositories, report.Manifests, report.Tags, report.Blobs));
        Assert.Contains("alice/old:gone", Assert.Single(report.Skipped));
        using HttpResponseMessage pulled = await _hub.SendAsync(HttpMethod.Get, "/v2/old/deep/name/manifests/v1", s_alice);
        Assert.Equal(manifest, await pulled.Content.ReadAsByteArrayAsync());
        using HttpResponseMessage bytes = await _hub.SendAsync(HttpMethod.Get, $"/v2/alice/old/blobs/{RunningHub.DigestOf(layer)}", s_alice);
        Assert.Equal(layer, await bytes.Content.ReadAsByteArrayAsync());
        using HttpResponseMessage stranger = await _hub.SendAsync(HttpMethod.Get, "/v2/old/deep/name/manifests/v1");
        Assert.Equal(HttpStatusCode.Unauthorized, stranger.StatusCode);
        // Again: nothing is copied twice.
        report = await new RegistryImport(_hub.Services).RunAsync(RunningHub.Operator, folder, "private", default);
        Assert.Equal((2, 0, 2, 0), (report.Repositories, report.Manifests, report.Tags, report.Blobs));
        await Assert.ThrowsAsync<FaultException>(() => new RegistryImport(_hub.Services).RunAsync(RunningHub.Operator, "/nonexistent", "private", default));
    }

    [Fact]
    public async Task Import_NamesAllThatItLeavesOut_AndTheDiarySaysImport()
    {
        string folder = Path.Join(_directory.FullName, "registry");
        byte[] index = System.Text.Encoding.UTF8.GetBytes($$"""
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[
            {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{{Absent('1')}}","size":10}]}
            """);
        Write(folder, $"blobs/sha256/{Hex(index)[..2]}/{Hex(index)}/data", index);
        byte[] link = System.Text.Encoding.ASCII.GetBytes(RunningHub.DigestOf(index));
        foreach (string name in new[] { "alice/multi", "mirror/library/one", "Upper__Case" })
        {
            Write(folder, $"repositories/{name}/_manifests/revisions/sha256/{Hex(index)}/link", link);
            Write(folder, $"repositories/{name}/_manifests/tags/v1/current/link", link);
        }
        string alice = "repositories/alice/multi/_manifests";
        Write(folder, $"{alice}/revisions/sha256/{new string('2', 64)}/link", System.Text.Encoding.ASCII.GetBytes(Absent('2')));
        // A deleted manifest, which nothing is said of.
        Write(folder, $"{alice}/revisions/sha256/{new string('3', 64)}/link", []);
        Write(folder, $"{alice}/tags/-bad/current/link", link);
        Write(folder, $"{alice}/tags/empty/current/link", []);
        await _hub.Services.Database.WriteAsync((transaction, token) => transaction.ExecuteAsync(
            $"insert into cache_prefixes(prefix, namespace) values ('mirror', 'mirror')", token), default);
        ImportReport report = await new RegistryImport(_hub.Services).RunAsync(RunningHub.Operator, folder, "private", default);
        Assert.Equal(
            [
                "Upper__Case: it is no name of a repository",
                "alice/multi:-bad: it is no name of a tag", "alice/multi:empty: it does not say which manifest it names",
                $"alice/multi@{Absent('1')}: its bytes are missing", $"alice/multi@{Absent('2')}: its bytes are missing",
                "mirror/library/one: mirror is an upstream here: what is below it is the other registry's",
            ], report.Skipped.Order(StringComparer.Ordinal));
        Assert.Equal((1, 1, 1), (report.Repositories, report.Manifests, report.Tags));
        Assert.Equal("import", await _hub.Services.Database.ReadAsync((transaction, token) => transaction.TextAsync(
            $"select reason from tag_moves where tag = 'v1' and to_digest = {RunningHub.DigestOf(index)}", token), default));

        static string Absent(char digit) => "sha256:" + new string(digit, 64);
    }

    private Task<BackupReport> BackUpAsync() => new HubBackup(_hub.Services).RunAsync(RunningHub.Operator, _directory.FullName, default);

    private async Task<RunningHub> RestoreAsync(Func<HubOptions, HubOptions> change, bool keep = false)
    {
        await BackUpAsync();
        RunningHub restored = await RunningHub.StartAsync(change);
        Assert.Equal(2, (await new HubRestore(restored.Services).RunAsync(_directory.FullName, KeyOf(_hub), default)).Blobs);
        await SameAsync(restored);
        if (!keep)
            await restored.DisposeAsync();
        return restored;
    }

    private async Task SameAsync(RunningHub hub)
    {
        foreach ((string path, string digest) in new[] { ("alice/app/manifests/latest", _image.Manifest), ("lab/app/manifests/v1", _image.Manifest) })
        {
            using HttpResponseMessage manifest = await hub.SendAsync(HttpMethod.Get, $"/v2/{path}", RunningHub.Basic("alice", _token));
            Assert.Equal((HttpStatusCode.OK, digest), (manifest.StatusCode, manifest.Headers.GetValues("Docker-Content-Digest").Single()));
        }
        using HttpResponseMessage layer = await hub.SendAsync(HttpMethod.Get, $"/v2/alice/app/blobs/{_image.Layer}", s_alice);
        Assert.Equal("the layer", await layer.Content.ReadAsStringAsync());
        Assert.Equal("The \"Lab\" ü", (await hub.Services.Accounts.Organisations.FindAsync("lab", default))!.DisplayName);
        Assert.Contains(await hub.Services.Accounts.Audit.ListAsync(new() { Subject = "alice" }, null, 100, default), entry => entry.Action == "user.create");
        Assert.Equal(
            [new(RepositoryMarks.Official, "base"), new MarkedName(RepositoryMarks.Verified, "lab")],
            await hub.Services.Browsing.Marks.ListAsync(default));
        // What is made now gets numbers of its own.
        await hub.UserAsync("carol");
        await hub.PushAsync("carol/app", "latest", "new layer", RunningHub.Basic("carol"));
        await hub.Services.Accounts.Users.FindAsync("carol", default);
        using HttpResponseMessage none = await hub.SendAsync(HttpMethod.Delete, "/v2/carol/app/manifests/latest", RunningHub.Basic("carol"));
        Assert.Equal(HttpStatusCode.Accepted, none.StatusCode);
        await hub.Services.Database.WriteAsync(
            (transaction, token) => transaction.ExecuteAsync($"delete from repositories where name = 'carol/app'", token), default);
        await hub.Services.Database.WriteAsync(
            (transaction, token) => transaction.ExecuteAsync($"delete from blobs where digest not in (select digest from repository_blobs)", token), default);
        await hub.Services.Accounts.Users.RemoveAsync(RunningHub.Operator, "carol", default);
    }

    /// <summary>A webhook with something to tell, and a token.</summary>
    private async Task<(string Secret, string Token)> SecretsAsync()
    {
        (_, string secret) = await _hub.Services.Operation.Webhooks.CreateAsync(
            RunningHub.Operator, "alice/app", "https://hooks.example/x", ["push"], default);
        await _hub.Services.Database.WriteAsync(
            (transaction, token) => transaction.ExecuteAsync(
                $"""
                insert into webhook_deliveries(webhook_id, event_id, body, state, next_at, created_at)
                values (1, 'event', {new byte[] { 1 }}, 'waiting', 0, 0)
                """, token), default);
        return (secret, await _hub.Services.Accounts.Bearers.IssueAsync(new BearerClaims { AccountId = 7 }, default));
    }

    // Not taken from the queue: the hub's own sender, which a push or the start has woken, may be quicker.
    private static Task<List<WebhookQueue.Due>> DeliveriesAsync(RunningHub hub) => hub.Services.Database.ReadAsync(
        (transaction, token) => transaction.ListAsync(
            $"""
            select d.id, d.event_id, d.body, d.attempts, w.url, w.id, w.secret
            from webhook_deliveries d join webhooks w on w.id = d.webhook_id
            """,
            row => new WebhookQueue.Due(
                row.GetInt64(0), row.GetString(1), (byte[])row.GetValue(2), (int)row.GetInt64(3), row.GetString(4), row.GetInt64(5),
                row.GetString(6)),
            token), default);

    private static async Task<byte[]> PrivateKeyAsync(RunningHub hub)
    {
        (object id, object value) = Assert.Single(await hub.Services.Database.ReadAsync(SealedColumn.SigningKeys.ListAsync, default));
        return hub.Services.Accounts.Seals.Open(SealedColumn.SigningKeys, (string)id, value);
    }

    private static RestoreKeys KeyOf(RunningHub hub) => new() { KeyFile = hub.Services.Accounts.Seals.KeyFile };

    private async Task<long> BytesAsync() => (await _hub.Services.Database.ReadAsync(
        (transaction, token) => transaction.NumberAsync($"select cast(sum(bytes) as bigint) from blobs", token), default))!.Value;

    private static void Write(string folder, string path, byte[] bytes)
    {
        string whole = Path.Join(folder, "docker/registry/v2", path);
        Directory.CreateDirectory(Path.GetDirectoryName(whole)!);
        File.WriteAllBytes(whole, bytes);
    }

    private static string Hex(byte[] bytes) => RunningHub.DigestOf(bytes)["sha256:".Length..];
}
