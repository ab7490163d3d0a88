using System.Text;
using Berth.Faults;
using Berth.Registry.Audit;
using Berth.Registry.Database;
using Berth.Registry.Hosting;
using Berth.Registry.Model;
using Berth.Registry.Operation.Serving;
using Berth.Registry.Operation.Webhooks;
using Berth.Registry.Sealing;
using Berth.Registry.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Berth.Registry.Tests.Sealing;

/// <summary>What holds for secrets on both databases.</summary>
public abstract class SealedSecretsContract : IAsyncLifetime
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private static readonly Caller s_operator = new() { Name = AuditLog.CommandLine, IsAdministrator = true };

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 26, 12, 0, 0, TimeSpan.Zero));
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-seals-");
    private readonly List<HubServices> _hubs = [];

    private protected string Data => Path.Join(_directory.FullName, "data");

    private protected HubOptions Options => field ??= new()
    {
        DataDirectory = Data, Database = NewDatabase(), Serving = new ServingSettings { WebhookHosts = ["hooks.example"] },
    };

    private string KeyFile => Path.Join(Data, "secret.key");

    private protected abstract string? NewDatabase();

    /// <summary>All that the database has on its disk for a table.</summary>
    private protected abstract Task<byte[]> FilesAsync(HubDatabase database, string table);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public virtual async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _directory.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Secrets_AreNotInTheDatabase()
    {
        HubServices hub = await OpenAsync();
        await hub.Accounts.Bearers.IssueAsync(new BearerClaims { AccountId = 7 }, default);
        (Webhook webhook, string secret) = await WebhookAsync(hub);
        (_, byte[] signing) = Assert.Single(await PrivateKeysAsync(hub));
        await NotInFilesAsync(hub.Database, secret, signing);
        await hub.Operation.Webhooks.RemoveAsync(s_operator, "alice", webhook.Id, default);
        await CloseAsync();
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(KeyFile));
        Assert.Empty(Directory.EnumerateFiles(Data, "*.new"));
    }

    [Fact]
    public async Task ExistingHub_LosesNothing_AndKeepsNothingPlain()
    {
        Directory.CreateDirectory(Data);
        byte[] signing;
        const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAAAAAAAAAA=";
        SigningKey key = SigningKey.Create(_time.GetUtcNow());
        await using (HubDatabase old = HubServices.OpenDatabase(Options))
        {
            await old.MigrateAsync([.. HubSchema.Steps.Except(SealingSchema.Steps)], _time, default);
            signing = key.Write();
            await old.WriteAsync(
                async (transaction, token) =>
                {
                    await transaction.ExecuteAsync(
                        $"insert into signing_keys(id, private_key, created_at) values ({key.Id}, {signing}, {Now})", token);
                    await transaction.ExecuteAsync($"""
                        insert into webhooks(namespace, repository, url, secret, events, created_at)
                        values ('alice', 'alice/app', 'https://hooks.example/', {Secret}, 'push', {Now})
                        """, token);
                    return await transaction.ExecuteAsync($"""
                        insert into sign_ins(state, verifier, nonce, return_to, expires_at) values ('s', 'the-verifier-of-it', 'n', '/', 0)
                        """, token);
                }, default);
            await Assert.ThrowsAnyAsync<Xunit.Sdk.XunitException>(() => NotInFilesAsync(old, Secret, signing));
        }
        HubServices hub = await OpenAsync();
        await NotInFilesAsync(hub.Database, Secret, signing);
        Assert.DoesNotContain("the-verifier-of-it", Encoding.Latin1.GetString(await FilesAsync(hub.Database, "sign_ins")), StringComparison.Ordinal);
        (string id, byte[] kept) = Assert.Single(await PrivateKeysAsync(hub));
        Assert.Equal((key.Id, Convert.ToHexString(signing)), (id, Convert.ToHexString(kept)));
        Assert.Equal(Secret, await SecretOfOneAsync(hub));
        // A token of before is still good, and the key is not made anew.
        string token = await new BearerTokens(new OneKey(key), hub.Options.Accounts.Service, _time).IssueAsync(new BearerClaims { AccountId = 7 }, default);
        Assert.Equal(7, (await hub.Accounts.Bearers.ReadAsync(token, default))?.AccountId);
        await hub.Accounts.Bearers.IssueAsync(new BearerClaims { AccountId = 7 }, default);
        Assert.Single(await PrivateKeysAsync(hub));
        Assert.Equal(1, await NumberAsync(hub, $"select rewritten from sealing_key"));
        // The next start finds it done.
        Assert.Equal(Secret, await SecretOfOneAsync(await OpenAsync()));
    }

    [Fact]
    public async Task TwoHubs_WithOneKey_AcceptEachOthersTokens()
    {
        (HubServices one, HubServices other) = (await OpenAsync(), await OpenAsync());
        string token = await one.Accounts.Bearers.IssueAsync(new BearerClaims { AccountId = 7 }, default);
        Assert.Equal(7, (await other.Accounts.Bearers.ReadAsync(token, default))?.AccountId);
        await other.Accounts.Bearers.IssueAsync(new BearerClaims { AccountId = 8 }, default);
        Assert.Single(await PrivateKeysAsync(one));
        (_, string secret) = await WebhookAsync(one);
        Assert.Equal(secret, await SecretOfOneAsync(other));
    }

    [Fact]
    public async Task ManyHubs_StartingAtOnce_HaveOneKey()
    {
        HubOptions options = Options;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => OpenAsync(options))));
        Assert.Single(await File.ReadAllLinesAsync(KeyFile), line => !line.StartsWith('#'));
        Assert.Empty(Directory.EnumerateFiles(Data, "*.new"));
        string token = await _hubs[0].Accounts.Bearers.IssueAsync(new BearerClaims { AccountId = 7 }, default);
        foreach (HubServices hub in _hubs)
            Assert.Equal(7, (await hub.Accounts.Bearers.ReadAsync(token, default))?.AccountId);
    }

    [Theory]
    [InlineData("missing", FaultKind.NotFound, "its file KEY is not there")]
    [InlineData("other", FaultKind.Conflict, "which KEY does not hold")]
    [InlineData("empty", FaultKind.InvalidArgument, "KEY: there is no key in it")]
    [InlineData("damaged", FaultKind.InvalidArgument, "KEY: line 1 is not 44 characters")]
    [InlineData("directory", FaultKind.Unavailable, "read the hub's key KEY")]
    public async Task WrongKeyFile_IsRefused_AndLeftAlone(string what, FaultKind kind, string said)
    {
        HubServices hub = await OpenAsync();
        (_, string secret) = await WebhookAsync(hub);
        await CloseAsync();
        string kept = KeyFile + ".copy";
        File.Move(KeyFile, kept);
        switch (what)
        {
            case "other":
                await File.WriteAllTextAsync(KeyFile, SealingKey.Create().Text);
                break;
            case "empty":
                await File.WriteAllTextAsync(KeyFile, "# nothing\n");
                break;
            case "damaged":
                await File.WriteAllTextAsync(KeyFile, (await File.ReadAllTextAsync(kept)).Split('\n')[1][..20]);
                break;
            case "directory":
                Directory.CreateDirectory(KeyFile);
                break;
        }
        FaultException fault = await Assert.ThrowsAsync<FaultException>(OpenAsync);
        Assert.Equal(kind, fault.Kind);
        Assert.Contains(said.Replace("KEY", KeyFile, StringComparison.Ordinal), fault.Message, StringComparison.Ordinal);
        Assert.Equal(what != "missing", Path.Exists(KeyFile));
        // Named by the setting, the copy is as good.
        Assert.Equal(secret, await SecretOfOneAsync(await OpenAsync(Options with { SecretKeyFile = kept })));
    }

    [Fact]
    public async Task Secret_ThatWasChanged_OrMoved_OrIsPlain_IsRefused()
    {
        HubServices hub = await OpenAsync();
        (_, string first) = await WebhookAsync(hub);
        await WebhookAsync(hub);
        string sealedText = (await hub.Database.ReadAsync((transaction, token) => transaction.TextAsync($"select secret from webhooks where id = 1", token), default))!;
        Assert.Equal(first, SecretOf(hub, 1, sealedText));
        foreach (string wrong in new[] { sealedText[..^6] + "AAAAA=", sealedText[..20], first, "" })
            Assert.Equal(FaultKind.Internal, Assert.Throws<FaultException>(() => SecretOf(hub, 1, wrong)).Kind);
        FaultException moved = Assert.Throws<FaultException>(() => SecretOf(hub, 2, sealedText));
        Assert.Equal("read secret of webhooks 2: it is damaged, or was put there from another row", moved.Message);
    }

    [Fact]
    public async Task SigningKey_ThatWasChanged_OrMoved_OrIsPlain_IsNotTheHubs()
    {
        HubServices hub = await OpenAsync();
        string good = await hub.Accounts.Bearers.IssueAsync(new BearerClaims { AccountId = 7 }, default);
        // Whoever could write rows, but does not have the key, brings a key of their own.
        SigningKey forged = SigningKey.Create(_time.GetUtcNow());
        (string id, _) = Assert.Single(await PrivateKeysAsync(hub));
        await hub.Database.WriteAsync(
            async (transaction, token) =>
            {
                await transaction.ExecuteAsync(
                    $"insert into signing_keys(id, private_key, created_at) values ({forged.Id}, {forged.Write()}, {Now})", token);
                return await transaction.ExecuteAsync($"""
                    insert into signing_keys(id, private_key, created_at)
                    select 'moved', private_key, created_at from signing_keys where id = {id}
                    """, token);
            }, default);
        HubServices fresh = await OpenAsync();
        Assert.Equal(7, (await fresh.Accounts.Bearers.ReadAsync(good, default))?.AccountId);
        string token = await new BearerTokens(new OneKey(forged), hub.Options.Accounts.Service, _time).IssueAsync(new BearerClaims { AccountId = 1 }, default);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Null(await fresh.Accounts.Bearers.ReadAsync(token, default));
        // When none of the hub's own is left, it makes another.
        await hub.Database.WriteAsync(
            (transaction, token) => transaction.ExecuteAsync($"delete from signing_keys where id = {id}", token), default);
        HubServices last = await OpenAsync();
        string next = await last.Accounts.Bearers.IssueAsync(new BearerClaims { AccountId = 9 }, default);
        Assert.Equal(9, (await last.Accounts.Bearers.ReadAsync(next, default))?.AccountId);
    }

    [Fact]
    public async Task Rotation_GoesOn_WhileOthersServe()
    {
        (HubServices one, HubServices other) = (await OpenAsync(), await OpenAsync());
        string token = await one.Accounts.Bearers.IssueAsync(new BearerClaims { AccountId = 7 }, default);
        (_, string secret) = await WebhookAsync(one);
        string former = await File.ReadAllTextAsync(KeyFile);
        RotationReport report = await new KeyRotation(one).RunAsync(s_operator, isPreparing: false, default);
        Assert.Equal(former, await File.ReadAllTextAsync(report.FormerFile!));
        Assert.Equal((OwnerOnly, OwnerOnly), (File.GetUnixFileMode(KeyFile), File.GetUnixFileMode(report.FormerFile!)));
        Assert.DoesNotContain(former.Split('\n')[1], await File.ReadAllTextAsync(KeyFile), StringComparison.Ordinal);
        foreach (HubServices hub in new[] { other, one, await OpenAsync() })
        {
            Assert.Equal(secret, await SecretOfOneAsync(hub));
            Assert.Equal(7, (await hub.Accounts.Bearers.ReadAsync(token, default))?.AccountId);
        }
        // What a process that has not yet met the new key makes is sealed with it.
        (HubServices late, _) = (await OpenAsync(), await new KeyRotation(one).RunAsync(s_operator, isPreparing: false, default));
        (Webhook made, string another) = await WebhookAsync(late);
        await CloseAsync();
        HubServices last = await OpenAsync();
        Assert.Equal(another, SecretOf(last, made.Id, (await last.Database.ReadAsync(
            (transaction, cancelled) => transaction.TextAsync($"select secret from webhooks where id = {made.Id}", cancelled), default))!));
        Assert.Equal(2, (await last.Accounts.Audit.ListAsync(new AuditFilter { Action = AuditActions.SecretsRotate }, null, 10, default)).Count);
    }

    [Fact]
    public async Task Rotation_ThatWasInterrupted_IsOpenAtEachStep_AndGoesOn()
    {
        HubServices hub = await OpenAsync();
        (_, string secret) = await WebhookAsync(hub);
        string former = await File.ReadAllTextAsync(KeyFile);
        // Ended after the file got the new key.
        RotationReport prepared = await new KeyRotation(hub).RunAsync(s_operator, isPreparing: true, default);
        Assert.Null(prepared.FormerFile);
        string both = await File.ReadAllTextAsync(KeyFile);
        Assert.Equal(secret, await SecretOfOneAsync(await OpenAsync()));
        RotationReport done = await new KeyRotation(await OpenAsync()).RunAsync(s_operator, isPreparing: false, default);
        Assert.Equal(prepared.KeyId, done.KeyId);
        Assert.Equal(secret, await SecretOfOneAsync(await OpenAsync()));
        // Ended after the rows were sealed anew: the file still has both.
        await File.WriteAllTextAsync(KeyFile, both);
        await CloseAsync();
        Assert.Equal(secret, await SecretOfOneAsync(await OpenAsync()));
        Assert.NotEqual(done.KeyId, (await new KeyRotation(await OpenAsync()).RunAsync(s_operator, isPreparing: false, default)).KeyId);
        // A process elsewhere, whose file was not brought along, says so and breaks nothing.
        await File.WriteAllTextAsync(KeyFile + ".elsewhere", former);
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => OpenAsync(Options with { SecretKeyFile = KeyFile + ".elsewhere" }));
        Assert.Equal(FaultKind.Conflict, fault.Kind);
        Assert.Equal(secret, await SecretOfOneAsync(await OpenAsync()));
    }

    [Fact]
    public async Task Rotation_TwiceAtOnce_LosesNothing()
    {
        HubServices[] hubs = [await OpenAsync(), await OpenAsync(), await OpenAsync()];
        (_, string secret) = await WebhookAsync(hubs[0]);
        int refused = 0;
        await Task.WhenAll(hubs.Select(hub => Task.Run(async () =>
        {
            try
            {
                await new KeyRotation(hub).RunAsync(s_operator, isPreparing: false, default);
            }
            catch (FaultException fault) when (fault.Kind is FaultKind.Conflict)
            {
                Interlocked.Increment(ref refused);
            }
        })));
        Assert.InRange(refused, 0, 2);
        await CloseAsync();
        Assert.Equal(secret, await SecretOfOneAsync(await OpenAsync()));
    }

    [Fact]
    public async Task LostKey_IsGivenUp_WithWhatItSealed()
    {
        HubServices hub = await OpenAsync();
        string token = await hub.Accounts.Bearers.IssueAsync(new BearerClaims { AccountId = 7 }, default);
        await WebhookAsync(hub);
        await CloseAsync();
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => LostKey.ForgetAsync(Options, s_operator, _time, default));
        Assert.Equal(FaultKind.Conflict, fault.Kind);
        File.Delete(KeyFile);
        LostKeyReport report = await LostKey.ForgetAsync(Options, s_operator, _time, default);
        Assert.Equal(new ForgottenWebhook("alice/app", "https://hooks.example/x", "push"), Assert.Single(report.Webhooks));
        HubServices next = await OpenAsync();
        Assert.Null(await next.Accounts.Bearers.ReadAsync(token, default));
        await next.Accounts.Bearers.IssueAsync(new BearerClaims { AccountId = 7 }, default);
        (_, string secret) = await WebhookAsync(next);
        Assert.Equal(secret, await SecretOfOneAsync(next));
    }

    private protected long Now => _time.GetUtcNow().ToUnixTimeMilliseconds();

    private protected Task<HubServices> OpenAsync() => OpenAsync(Options);

    private protected async Task<HubServices> OpenAsync(HubOptions options)
    {
        HubServices hub = await HubServices.OpenAsync(options, NullLoggerFactory.Instance, _time, default);
        lock (_hubs)
            _hubs.Add(hub);
        return hub;
    }

    private protected async Task CloseAsync()
    {
        foreach (HubServices hub in _hubs)
            await hub.DisposeAsync();
        _hubs.Clear();
    }

    private protected static Task<(Webhook Webhook, string Secret)> WebhookAsync(HubServices hub) => hub.Operation.Webhooks.CreateAsync(
        s_operator, "alice/app", "https://hooks.example/x", ["push"], default);

    private protected static async Task<List<(string Id, byte[] Bytes)>> PrivateKeysAsync(HubServices hub) =>
    [
        .. (await hub.Database.ReadAsync(SealedColumn.SigningKeys.ListAsync, default)).Select(row =>
            ((string)row.Id, hub.Accounts.Seals.Open(SealedColumn.SigningKeys, (string)row.Id, row.Value))),
    ];

    private protected static async Task<string> SecretOfOneAsync(HubServices hub)
    {
        (object id, object value) = Assert.Single(await hub.Database.ReadAsync(SealedColumn.Webhooks.ListAsync, default));
        return SecretOf(hub, (long)id, (string)value);
    }

    private protected static string SecretOf(HubServices hub, long id, string stored) =>
        hub.Operation.Queue.SecretOf(new WebhookQueue.Due(1, "event", [], 0, "https://hooks.example/x", id, stored));

    private static async Task<long?> NumberAsync(HubServices hub, SqlText sql) =>
        await hub.Database.ReadAsync((transaction, token) => transaction.NumberAsync(sql, token), default);

    // The number of which a private key consists follows the first 36 bytes of PKCS #8 for P-256.
    private async Task NotInFilesAsync(HubDatabase database, string secret, byte[] signing)
    {
        string webhooks = Encoding.Latin1.GetString(await FilesAsync(database, "webhooks"));
        Assert.True(webhooks.Contains("hooks.example", StringComparison.Ordinal), "the file is not the one that has the rows");
        Assert.DoesNotContain(secret["whsec_".Length..], webhooks, StringComparison.Ordinal);
        Assert.True((await FilesAsync(database, "signing_keys")).AsSpan().IndexOf(signing.AsSpan(36, 32)) < 0, "the private key is in the file");
    }

    private sealed class OneKey(SigningKey key) : ISigningKeys
    {
        public ValueTask<SigningKey> CurrentAsync(CancellationToken cancellationToken) => new(key);

        public ValueTask<SigningKey?> FindAsync(string id, CancellationToken cancellationToken) => new(key);
    }
}
