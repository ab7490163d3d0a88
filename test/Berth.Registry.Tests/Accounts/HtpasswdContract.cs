using Berth.Registry.Accounts;
using Berth.Registry.Accounts.Htpasswd;
using Berth.Registry.Audit;
using Berth.Registry.Cache;
using Berth.Registry.Database;
using Berth.Registry.Hosting;
using Berth.Registry.Model;
using Berth.Registry.Sealing;
using Berth.Registry.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Berth.Registry.Tests.Accounts;

/// <summary>Accounts of an htpasswd file, taken over or kept in it, on both databases.</summary>
public abstract class HtpasswdContract : IAsyncLifetime
{
    // At cost 4, as all are here that say nothing else.
    private const string First = "correct horse";
    private const string Second = "battery staple";

    private static readonly Caller s_operator = new() { Name = AuditLog.CommandLine, IsAdministrator = true };

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 28, 12, 0, 0, TimeSpan.Zero));
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-htpasswd-");
    private HubDatabase _database = null!;
    private HubDatabase _otherDatabase = null!;
    private AccountServices _hub = null!;    // Without the setting.
    private AccountServices _byFile = null!; // With it.
    private int _writes;

    private protected abstract (HubDatabase First, HubDatabase Second) OpenTwice();

    private string FilePath => Path.Join(_directory.FullName, "htpasswd");

    public async ValueTask InitializeAsync()
    {
        (_database, _otherDatabase) = OpenTwice();
        await _database.MigrateAsync(HubSchema.Steps, _time, default);
        Write();
        (_hub, _byFile) = (await MakeAsync(_database, null), await MakeAsync(_otherDatabase, FilePath));
    }

    public virtual async ValueTask DisposeAsync()
    {
        _hub.Dispose();
        _byFile.Dispose();
        await _database.DisposeAsync();
        await _otherDatabase.DisposeAsync();
        _directory.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Import_MakesUsers_WhosePasswordsWork_AndBecomeTheHubsOwn()
    {
        Write($"alice:{Hash(First)}", $"bob:{Hash(Second)}");
        HtpasswdReport report = await ImportAsync();
        Assert.Equal(["alice", "bob"], report.Made);
        Assert.Equal((0, 0), (report.Unchanged, report.LeftOutCount));
        Assert.StartsWith("$2", await StoredAsync("alice"));
        Assert.Null(await _hub.SignIn.WithPasswordAsync("alice", Second, "192.0.2.1", default));
        Assert.StartsWith("$2", await StoredAsync("alice"));
        Assert.Equal("alice", (await _hub.SignIn.WithPasswordAsync("alice", First, "192.0.2.1", default))?.Name);
        Assert.StartsWith("$argon2id$", await StoredAsync("alice"));
        Assert.NotNull(await _hub.SignIn.WithPasswordAsync("alice", First, "192.0.2.1", default));
        Assert.Null(await _hub.SignIn.WithPasswordAsync("alice", First + "x", "192.0.2.1", default));
        Assert.StartsWith("$2", await StoredAsync("bob"));
        Assert.Equal(AuditLog.CommandLine, Assert.Single(
            await _hub.Audit.ListAsync(new AuditFilter { Subject = "bob", Action = AuditActions.UserCreate }, null, 10, default)).Actor);
    }

    [Fact]
    public async Task Import_LeavesWhatItCannotTake_AndSaysSo()
    {
        await _hub.Users.CreateAsync(s_operator, new NewUser("alice", Second), default);
        await _hub.Organisations.CreateAsync(s_operator, "lab", "", "alice", default);
        await CachedRepositories.FollowAsync(_database, [new UpstreamOptions { Prefix = "quay.io", Address = new Uri("https://quay.io") }], default);
        Write("# people", $"alice:{Hash(First)}", $"lab:{Hash(First)}", $"quay.io:{Hash(First)}", "dave:$apr1$x$y", $"admin:{Hash(First)}", $"erin:{Hash(First)}");
        HtpasswdReport report = await ImportAsync();
        Assert.Equal(["erin"], report.Made);
        Assert.Equal([2, 3, 4, 5, 6], report.LeftOut.Select(refusal => refusal.Line));
        Assert.Equal(
            "alice: there is a user of this name, who was left as they are; --replace-passwords gives them this password",
            report.LeftOut[0].Reason);
        Assert.Equal("user lab: the name is taken", report.LeftOut[1].Reason);
        Assert.NotNull(await _hub.SignIn.WithPasswordAsync("alice", Second, null, default));
        // Once more: what is here already is not left out.
        report = await ImportAsync();
        Assert.Equal((0, 1, 5), (report.Made.Count, report.Unchanged, report.LeftOutCount));
    }

    [Fact]
    public async Task Import_Dry_ChangesNothing_AndSaysTheSame()
    {
        await _hub.Users.CreateAsync(s_operator, new NewUser("alice", Second), default);
        await _hub.Organisations.CreateAsync(s_operator, "lab", "", "alice", default);
        Write($"alice:{Hash(First)}", $"bob:{Hash(First)}", $"lab:{Hash(First)}");
        var options = new HtpasswdImportOptions { ReplacesPasswords = true };
        HtpasswdReport dry = await ImportAsync(options with { IsDryRun = true });
        Assert.Null(await _hub.Users.FindAsync("bob", default));
        Assert.NotNull(await _hub.SignIn.WithPasswordAsync("alice", Second, null, default));
        HtpasswdReport wet = await ImportAsync(options);
        foreach (HtpasswdReport report in new[] { dry, wet })
        {
            Assert.Equal(["bob"], report.Made);
            Assert.Equal(["alice"], report.Replaced);
            Assert.Equal("line 3: user lab: the name is taken", Assert.Single(report.LeftOut).ToString());
        }
    }

    [Fact]
    public async Task Import_ThatReplaces_EndsSessions()
    {
        UserAccount alice = await _hub.Users.CreateAsync(s_operator, new NewUser("alice", Second), default);
        string session = await _hub.SignIn.BeginSessionAsync(new Caller { AccountId = alice.Id, Name = "alice" }, default);
        Write($"alice:{Hash(First)}");
        Assert.Equal(["alice"], (await ImportAsync(new HtpasswdImportOptions { ReplacesPasswords = true })).Replaced);
        Assert.Null(await _hub.SignIn.WithSessionAsync(session, default));
        Assert.Null(await _hub.SignIn.WithPasswordAsync("alice", Second, null, default));
        Assert.NotNull(await _hub.SignIn.WithPasswordAsync("alice", First, null, default));
    }

    [Fact]
    public async Task Import_OfMoreThanOneTransactionTakes_IsWhole()
    {
        string hash = Hash(First);
        Write([.. Enumerable.Range(0, 250).Select(i => $"user{i}:{hash}")]);
        Assert.Equal(250, (await ImportAsync()).Made.Count);
        Assert.NotNull(await _hub.SignIn.WithPasswordAsync("user249", First, null, default));
    }

    [Fact]
    public async Task File_LetsItsPeopleIn_AsTheyAreInItNow()
    {
        Assert.Null(await _byFile.SignIn.WithPasswordAsync("alice", First, null, default));
        Write($"alice:{Hash(First)}");
        Caller alice = (await _byFile.SignIn.WithPasswordAsync("alice", First, "192.0.2.1", default))!;
        Assert.Equal(("alice", false, "192.0.2.1"), (alice.Name, alice.IsAdministrator, alice.RemoteAddress));
        UserAccount account = (await _hub.Users.FindAsync("alice", default))!;
        Assert.Equal((alice.AccountId!.Value, false), (account.Id, account.HasPassword));
        Assert.Equal(_time.GetUtcNow(), account.LastSignInAt);
        // Nothing of the password is in the database: a process without the file knows none.
        Assert.Null(await _hub.SignIn.WithPasswordAsync("alice", First, null, default));
        Write($"alice:{Hash(Second)}");
        Assert.Null(await _byFile.SignIn.WithPasswordAsync("alice", First, null, default));
        Assert.Equal(alice.AccountId, (await _byFile.SignIn.WithPasswordAsync("alice", Second, null, default))?.AccountId);
        Write();
        Assert.Null(await _byFile.SignIn.WithPasswordAsync("alice", Second, null, default));
        File.Delete(FilePath);
        Assert.Null(await _byFile.SignIn.WithPasswordAsync("alice", Second, null, default));
        Write($"alice:{Hash(Second)}");
        Assert.NotNull(await _byFile.SignIn.WithPasswordAsync("alice", Second, null, default));
        await _hub.Users.SetDisabledAsync(s_operator, "alice", true, default);
        Assert.Null(await _byFile.SignIn.WithPasswordAsync("alice", Second, null, default));
    }

    [Fact]
    public async Task File_OpensNoAccountOfAnotherKind()
    {
        await _hub.Users.CreateAsync(s_operator, new NewUser("alice", Second), default);
        await _hub.Organisations.CreateAsync(s_operator, "lab", "", "alice", default);
        await _hub.Users.CreateAsync(s_operator, new NewUser("bob", null), default);
        await _hub.OidcAccounts.LinkAsync(s_operator, "bob", "https://provider.example", "b0b", default);
        await CachedRepositories.FollowAsync(_database, [new UpstreamOptions { Prefix = "quay.io", Address = new Uri("https://quay.io") }], default);
        Write([.. new[] { "alice", "lab", "bob", "quay.io", "admin" }.Select(name => $"{name}:{Hash(First)}")]);
        foreach (string name in new[] { "alice", "lab", "bob", "quay.io", "admin" })
            Assert.Null(await _byFile.SignIn.WithPasswordAsync(name, First, null, default));
        // A password of the account's own counts as before.
        Assert.NotNull(await _byFile.SignIn.WithPasswordAsync("alice", Second, null, default));
    }

    [Fact]
    public async Task File_OpensWhatAnOperatorMadeWithoutAPassword_AndStaysItsKey()
    {
        await _hub.Users.CreateAsync(s_operator, new NewUser("carol", null) { IsAdministrator = true }, default);
        Write($"carol:{Hash(First)}");
        Assert.True((await _byFile.SignIn.WithPasswordAsync("carol", First, null, default))!.IsAdministrator);
        // Bound now: a provider's identity beside it takes nothing away.
        await _hub.OidcAccounts.LinkAsync(s_operator, "carol", "https://provider.example", "c", default);
        Assert.NotNull(await _byFile.SignIn.WithPasswordAsync("carol", First, null, default));
        await _hub.Users.SetPasswordAsync(s_operator, "carol", Second, default);
        Assert.Null(await _byFile.SignIn.WithPasswordAsync("carol", First, null, default));
        Assert.NotNull(await _byFile.SignIn.WithPasswordAsync("carol", Second, null, default));
    }

    [Fact]
    public async Task File_GivesRepositoriesThatWereImported_ToTheirOwner()
    {
        await _database.WriteAsync(
            (transaction, token) => transaction.ExecuteAsync(
                $"insert into repositories(name, namespace, visibility, created_at) values ('alice/app', 'alice', 'private', 0)", token), default);
        Write($"alice:{Hash(First)}");
        Caller alice = (await _byFile.SignIn.WithPasswordAsync("alice", First, null, default))!;
        Assert.True((await _byFile.Access.OfAsync(alice, RepositoryName.Parse("alice/app"), default)).HasFlag(RepositoryAccess.Push));
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public async Task Sessions_ThatTheFileOpened_EndWithItsEntry(bool isChanged)
    {
        Write($"alice:{Hash(First)}");
        Caller alice = (await _byFile.SignIn.WithPasswordAsync("alice", First, null, default))!;
        (_, string token) = await _hub.Secrets.CreateTokenAsync(s_operator, SecretKind.Personal, alice.AccountId!.Value, "ci", null, null, default);
        string session = await _byFile.SignIn.BeginSessionAsync(alice, default);
        string refresh = await _byFile.Secrets.BeginSessionAsync(SecretKind.Refresh, alice.AccountId.Value, null, alice.HtpasswdMark, default);
        Assert.NotNull(await _byFile.SignIn.WithSessionAsync(session, default));
        Assert.NotNull(await _byFile.SignIn.WithRefreshTokenAsync(refresh, default));
        // Who does not know the file cannot say that the entry is still there.
        Assert.Null(await _hub.SignIn.WithSessionAsync(session, default));
        Write(isChanged ? [$"alice:{Hash(First)}"] : []);
        Assert.Null(await _byFile.SignIn.WithSessionAsync(session, default));
        Assert.Null(await _byFile.SignIn.WithRefreshTokenAsync(refresh, default));
        Assert.NotNull(await _byFile.SignIn.WithTokenAsync(token, null, null, default));
    }

    [Fact]
    public async Task File_BehindALink_IsReadWhenTheLinkIsMoved()
    {
        // As Kubernetes puts a secret: htpasswd -> ..data/htpasswd, ..data -> ..1.
        foreach ((string version, string password) in new[] { ("..1", First), ("..2", Second) })
        {
            Directory.CreateDirectory(Path.Join(_directory.FullName, version));
            await File.WriteAllTextAsync(Path.Join(_directory.FullName, version, "htpasswd"), $"alice:{Hash(password)}\n");
        }
        File.Delete(FilePath);
        string data = Path.Join(_directory.FullName, "..data");
        Directory.CreateSymbolicLink(data, "..1");
        File.CreateSymbolicLink(FilePath, "..data/htpasswd");
        Assert.NotNull(await _byFile.SignIn.WithPasswordAsync("alice", First, null, default));
        File.Delete(data);
        Directory.CreateSymbolicLink(data, "..2");
        Assert.Null(await _byFile.SignIn.WithPasswordAsync("alice", First, null, default));
        Assert.NotNull(await _byFile.SignIn.WithPasswordAsync("alice", Second, null, default));
    }

    [Fact]
    public async Task WrongPassword_TakesTheSameWork_WhoeverIsNamed()
    {
        // Imported passwords of a low cost, the file's of a high one, and the hub's own.
        Write($"erin:{Hash(First, 5)}");
        await ImportAsync();
        Write($"frank:{Hash(First, 7)}", $"grace:{Hash(First, 4)}");
        Assert.NotNull(await _byFile.SignIn.WithPasswordAsync("grace", First, null, default));
        UserAccount alice = await _hub.Users.CreateAsync(s_operator, new NewUser("alice", Second), default);
        await _hub.Organisations.CreateAsync(s_operator, "lab", "", "alice", default);
        await _hub.Secrets.CreateTokenAsync(
            s_operator, SecretKind.Robot, (await _hub.Organisations.FindAsync("lab", default))!.Id, "ci", TokenScopes.Parse(["lab/*:pull"]), null, default);
        await _hub.Users.CreateAsync(s_operator, new NewUser("dave", Second), default);
        await _hub.Users.SetDisabledAsync(s_operator, "dave", true, default);
        await _hub.Users.CreateAsync(s_operator, new NewUser("oscar", null), default);
        await _hub.OidcAccounts.LinkAsync(s_operator, "oscar", "https://provider.example", "o", default);
        foreach (string name in new[] { "nobody", "alice", "dave", "oscar", "lab", "erin", "frank", "grace" })
            Assert.Equal((name, new PasswordWork(1, 1 << 7)), (name, await WorkAsync(name, "wrong horse")));
        // The right one of an account that is switched off is answered like a wrong one, and counts as one.
        Assert.Equal(new PasswordWork(1, 1 << 7), await WorkAsync("dave", Second));
        // Robots have no passwords: no robot's name is ever looked up with one.
        Assert.Equal(await WorkAsync("nolab+ci", "wrong horse"), await WorkAsync("lab+ci", "wrong horse"));
        Assert.NotNull(alice);
    }

    private async Task<PasswordWork> WorkAsync(string name, string password)
    {
        PasswordWork before = _byFile.PasswordWork;
        // Another address each: nobody waits.
        Assert.Null(await _byFile.SignIn.WithPasswordAsync(name, password, $"192.0.2.{++_writes}", default));
        return _byFile.PasswordWork - before;
    }

    private Task<HtpasswdReport> ImportAsync(HtpasswdImportOptions? options = null) =>
        _hub.HtpasswdImport.RunAsync(s_operator, FilePath, options ?? new HtpasswdImportOptions(), default);

    private void Write(params string[] lines) => File.WriteAllLines(FilePath, lines);

    private static string Hash(string password, int cost = 4) => BCrypt.Net.BCrypt.HashPassword(password, BCrypt.Net.BCrypt.GenerateSalt(cost, 'y'));

    private Task<string?> StoredAsync(string name) => _database.ReadAsync(
        (transaction, token) => transaction.TextAsync(
            $"select u.password from users u join accounts a on a.id = u.account_id where a.name = {name}", token), default);

    private async Task<AccountServices> MakeAsync(HubDatabase database, string? file) => new(
        database, new AccountSettings { HtpasswdFile = file }, [],
        await SealedSecrets.OpenAsync(database, Path.Join(_directory.FullName, "secret.key"), _time, NullLogger.Instance, default),
        _time, NullLoggerFactory.Instance);
}
