using Berth.Faults;
using Berth.Registry.Accounts;
using Berth.Registry.Accounts.Oidc;
using Berth.Registry.Audit;
using Berth.Registry.Browsing;
using Berth.Registry.Cache;
using Berth.Registry.Database;
using Berth.Registry.Hosting;
using Berth.Registry.Model;
using Berth.Registry.Operation.Webhooks;
using Berth.Registry.Repositories;
using Berth.Registry.Sealing;
using Berth.Registry.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Berth.Registry.Tests.Accounts;

/// <summary>What holds for accounts on both databases, seen by two processes of one hub.</summary>
public abstract class AccountsContract : IAsyncLifetime
{
    private const string Password = "correct horse";
    private static readonly Caller s_operator = new() { Name = AuditLog.CommandLine, IsAdministrator = true };

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 26, 12, 0, 0, TimeSpan.Zero));
    private readonly DirectoryInfo _keys = Directory.CreateTempSubdirectory("berth-keys-");
    private HubDatabase _database = null!;
    private HubDatabase _otherDatabase = null!;
    private AccountServices _hub = null!;
    private AccountServices _other = null!;

    private protected abstract (HubDatabase First, HubDatabase Second) OpenTwice();

    public async ValueTask InitializeAsync()
    {
        (_database, _otherDatabase) = OpenTwice();
        await _database.MigrateAsync(HubSchema.Steps, _time, default);
        (_hub, _other) = (await MakeAsync(_database, SignUpMode.Open), await MakeAsync(_otherDatabase, SignUpMode.Invited));
    }

    public virtual async ValueTask DisposeAsync()
    {
        _hub.Dispose();
        _other.Dispose();
        await _database.DisposeAsync();
        await _otherDatabase.DisposeAsync();
        _keys.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Registration_MakesAUser_NeverMore()
    {
        UserAccount alice = await _hub.Users.RegisterAsync(new("alice", Password, "Alice", "alice@example.org", null), "192.0.2.1", default);
        Assert.False(alice.IsAdministrator);
        Assert.Equal(("Alice", "alice@example.org", _time.GetUtcNow()), (alice.DisplayName, alice.Email, alice.CreatedAt));
        AuditEntry entry = Assert.Single(await _hub.Audit.ListAsync(new AuditFilter { Subject = "alice" }, null, 10, default));
        Assert.Equal((AuditActions.UserCreate, "alice", alice.Id, "192.0.2.1"), (entry.Action, entry.Actor, entry.ActorId, entry.Address));
        await RefusedAsync(FaultKind.Conflict, () => _hub.Users.RegisterAsync(new("alice", Password, "", "", null), null, default));
    }

    [Fact]
    public async Task Names_ThatBeginACache_AreNobodys_InAllProcesses()
    {
        UpstreamOptions[] upstreams = [Upstream("docker.io"), Upstream("mirrors/ghcr")];
        await CachedRepositories.FollowAsync(_database, upstreams, default);
        await UserAsync("alice");
        FaultException refused = await Assert.ThrowsAsync<FaultException>(
            () => _hub.Users.RegisterAsync(new("docker.io", Password, "", "", null), null, default));
        Assert.Equal((FaultKind.Conflict,
            "user docker.io: names that begin with docker.io are another registry's, which this hub passes on: choose another name"),
            (refused.Kind, refused.Message));
        // Nor do operators give it away, in a process that was not told of the upstreams.
        await RefusedAsync(FaultKind.Conflict, () => _other.Users.CreateAsync(s_operator, new NewUser("docker.io", Password), default));
        await RefusedAsync(FaultKind.Conflict, () => _other.Organisations.CreateAsync(s_operator, "mirrors", "", "alice", default));
        string link = await _hub.Secrets.InviteAsync(s_operator, SecretKind.Setup, "", default);
        await RefusedAsync(FaultKind.Conflict, () => _hub.Users.SetUpAsync(link, new("mirrors", Password, "", "", null), null, default));
        long made = await _other.OidcAccounts.FindOrCreateAsync(
            "https://id.example", new OidcIdentity("1", "Mirrors", "", "") , null, default);
        Assert.Equal("mirrors-2", (await _hub.Users.FindAsync(made, default))!.Name);
        // What is configured no longer is free again.
        await CachedRepositories.FollowAsync(_database, [upstreams[0]], default);
        await _other.Organisations.CreateAsync(s_operator, "mirrors", "", "alice", default);
        refused = await Assert.ThrowsAsync<FaultException>(() => CachedRepositories.FollowAsync(_otherDatabase, upstreams, default));
        Assert.Equal((FaultKind.Conflict, "upstreams: prefix mirrors/ghcr: the organisation mirrors has this name: "
            + "give the upstream another prefix, or remove the organisation"), (refused.Kind, refused.Message));
        // The process that did not start has taken nothing away from those that run.
        await RefusedAsync(FaultKind.Conflict, () => _hub.Users.CreateAsync(s_operator, new NewUser("docker.io", Password), default));
    }

    [Theory]
    [InlineData("Alice", Password, "", "")]
    [InlineData("admin", Password, "", "")]
    [InlineData("bob", "short", "", "")]
    [InlineData("bob12345", "BOB12345", "", "")]
    [InlineData("bob", "with\nnewline", "", "")]
    [InlineData("bob", Password, "a\u001bb", "")]
    [InlineData("bob", Password, "", "nobody")]
    [InlineData("bob", Password, "", "Bob <bob@example.org>")]
    public async Task Registration_WithAWrongField_IsRefused(string name, string password, string display, string email) =>
        await RefusedAsync(FaultKind.InvalidArgument, () => _hub.Users.RegisterAsync(new(name, password, display, email, null), null, default));

    [Fact]
    public async Task Invitation_IsNeeded_AndGoodOnce()
    {
        await RefusedAsync(FaultKind.Forbidden, () => _other.Users.RegisterAsync(new("alice", Password, "", "", null), null, default));
        string invitation = await _other.Secrets.InviteAsync(s_operator, SecretKind.Invitation, "for Alice", default);
        Assert.True(await _other.Secrets.IsRedeemableAsync(SecretKind.Invitation, invitation, default));
        // A refused attempt does not use it up.
        await RefusedAsync(FaultKind.InvalidArgument, () => _other.Users.RegisterAsync(new("alice", "short", "", "", invitation), null, default));
        await _other.Users.RegisterAsync(new("alice", Password, "", "", invitation), null, default);
        await RefusedAsync(FaultKind.Forbidden, () => _other.Users.RegisterAsync(new("bob", Password, "", "", invitation), null, default));
        string late = await _other.Secrets.InviteAsync(s_operator, SecretKind.Invitation, "late", default);
        _time.Advance(SecretStore.InvitationLifetime + TimeSpan.FromSeconds(1));
        await RefusedAsync(FaultKind.Forbidden, () => _other.Users.RegisterAsync(new("bob", Password, "", "", late), null, default));
        using AccountServices closed = await MakeAsync(_database, SignUpMode.Closed);
        await RefusedAsync(FaultKind.Forbidden, () => closed.Users.RegisterAsync(new("bob", Password, "", "", invitation), null, default));
    }

    [Fact]
    public async Task SetUp_MakesOneAdministrator()
    {
        Assert.False(await _hub.Users.HasAdministratorAsync(default));
        string old = await _hub.Secrets.InviteAsync(s_operator, SecretKind.Setup, "", default);
        string link = await _hub.Secrets.InviteAsync(s_operator, SecretKind.Setup, "", default);
        await RefusedAsync(FaultKind.Forbidden, () => _hub.Users.SetUpAsync(old, new("eve", Password, "", "", null), null, default));
        Assert.True((await _hub.Users.SetUpAsync(link, new("root1", Password, "", "", null), null, default)).IsAdministrator);
        Assert.True(await _hub.Users.HasAdministratorAsync(default));
        await RefusedAsync(FaultKind.Forbidden, () => _hub.Users.SetUpAsync(link, new("eve", Password, "", "", null), null, default));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SetUp_ByALinkThatWasPrintedBefore_MakesNoSecondAdministrator(bool isPromoted)
    {
        await UserAsync("alice");
        string link = await _hub.Secrets.InviteAsync(s_operator, SecretKind.Setup, "", default);
        // By the command line, and not by the link.
        if (isPromoted)
            await _other.Users.SetAdministratorAsync(s_operator, "alice", true, default);
        else
            await _other.Users.CreateAsync(s_operator, new NewUser("root1", Password) { IsAdministrator = true }, default);
        Assert.False(await _hub.Secrets.IsRedeemableAsync(SecretKind.Setup, link, default));
        await RefusedAsync(FaultKind.Forbidden, () => _hub.Users.SetUpAsync(link, new("mallory", Password, "", "", null), null, default));
        // Nor by one that another process printed meanwhile.
        string late = await _hub.Secrets.InviteAsync(s_operator, SecretKind.Setup, "", default);
        await RefusedAsync(FaultKind.Forbidden, () => _hub.Users.SetUpAsync(late, new("mallory", Password, "", "", null), null, default));
        Assert.Null(await _hub.Users.FindAsync("mallory", default));
    }

    [Fact]
    public async Task Password_OpensTheDoor_UntilItIsChangedElsewhere()
    {
        UserAccount alice = await UserAsync("alice");
        Caller caller = (await _hub.SignIn.WithPasswordAsync("alice", Password, "192.0.2.1", default))!;
        Assert.Equal((alice.Id, "alice", false, "192.0.2.1"), (caller.AccountId, caller.Name, caller.IsAdministrator, caller.RemoteAddress));
        Assert.Null(await _hub.SignIn.WithPasswordAsync("alice", "wrong", "192.0.2.1", default));
        Assert.Null(await _hub.SignIn.WithPasswordAsync("nobody", Password, "192.0.2.1", default));
        Assert.Null(await _hub.SignIn.WithPasswordAsync("Not A Name", Password, "192.0.2.1", default));
        Assert.Equal(3, _hub.SignIn.Failures);
        await _other.Users.SetPasswordAsync(s_operator, "alice", "another horse", default);
        Assert.Null(await _hub.SignIn.WithPasswordAsync("alice", Password, "192.0.2.1", default));
        Assert.NotNull(await _hub.SignIn.WithPasswordAsync("alice", "another horse", "192.0.2.1", default));
        // What cannot be a name is in no log that its sender could fill.
        List<AuditEntry> refused = await _hub.Audit.ListAsync(new AuditFilter { Action = AuditActions.UserSignInFailed }, null, 10, default);
        Assert.Equal(
            [("alice", "(anonymous)", "192.0.2.1"), ("nobody", "(anonymous)", "192.0.2.1"), ("alice", "(anonymous)", "192.0.2.1")],
            refused.Select(entry => (entry.Subject, entry.Actor, entry.Address)));
    }

    [Fact]
    public async Task Guessing_IsSlowed_ForTheGuesserAlone()
    {
        await UserAsync("alice");
        for (int i = 0; i < LoginThrottle.PairFailuresMax; i++)
            Assert.Null(await _hub.SignIn.WithPasswordAsync("alice", "guess" + i, "192.0.2.66", default));
        // The right password is not even looked at.
        await Assert.ThrowsAsync<TooManyAttemptsException>(async () => await _hub.SignIn.WithPasswordAsync("alice", Password, "192.0.2.66", default));
        Assert.NotNull(await _hub.SignIn.WithPasswordAsync("alice", Password, "192.0.2.1", default));
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.NotNull(await _hub.SignIn.WithPasswordAsync("alice", Password, "192.0.2.66", default));
    }

    [Fact]
    public async Task Guessing_InTurnsAtTwoProcesses_GainsNothing()
    {
        await UserAsync("alice");
        for (int i = 0; i < LoginThrottle.PairFailuresMax; i++)
            Assert.Null(await (i % 2 == 0 ? _hub : _other).SignIn.WithPasswordAsync("alice", "guess" + i, "192.0.2.66", default));
        foreach (AccountServices process in new[] { _hub, _other })
        {
            await Assert.ThrowsAsync<TooManyAttemptsException>(
                async () => await process.SignIn.WithPasswordAsync("alice", Password, "192.0.2.66", default));
            Assert.NotNull(await process.SignIn.WithPasswordAsync("alice", Password, "192.0.2.1", default));
        }
    }

    [Fact]
    public async Task DisabledUser_IsOutAtOnce_Everywhere()
    {
        UserAccount alice = await UserAsync("alice");
        (_, string secret) = await _hub.Secrets.CreateTokenAsync(s_operator, SecretKind.Personal, alice.Id, "ci", null, null, default);
        string session = await _hub.SignIn.BeginSessionAsync(new Caller { AccountId = alice.Id, Name = "alice" }, default);
        Assert.NotNull(await _other.SignIn.WithPasswordAsync("alice", Password, null, default));
        Assert.NotNull(await _other.SignIn.WithPasswordAsync("alice", secret, null, default));
        Assert.NotNull(await _other.SignIn.WithSessionAsync(session, default));
        await _hub.Users.SetDisabledAsync(s_operator, "alice", true, default);
        Assert.Null(await _other.SignIn.WithPasswordAsync("alice", Password, null, default));
        Assert.Null(await _other.SignIn.WithPasswordAsync("alice", secret, null, default));
        Assert.Null(await _other.SignIn.WithSessionAsync(session, default));
        await _hub.Users.SetDisabledAsync(s_operator, "alice", false, default);
        Assert.NotNull(await _other.SignIn.WithPasswordAsync("alice", secret, null, default));
    }

    [Fact]
    public async Task LastAdministrator_Stays()
    {
        await _hub.Users.CreateAsync(s_operator, new NewUser("root1", Password) { IsAdministrator = true }, default);
        await RefusedAsync(FaultKind.Conflict, () => _hub.Users.RemoveAsync(s_operator, "root1", default));
        await RefusedAsync(FaultKind.Conflict, () => _hub.Users.SetDisabledAsync(s_operator, "root1", true, default));
        await RefusedAsync(FaultKind.Conflict, () => _hub.Users.SetAdministratorAsync(s_operator, "root1", false, default));
        // Nor does anything else of a change that is refused happen.
        await RefusedAsync(FaultKind.Conflict, () => _hub.Users.ChangeAsync(
            s_operator, "root1", new UserChange { Email = "a@example.org", IsAdministrator = false, IsDisabled = true }, default));
        Assert.Equal("", (await _hub.Users.FindAsync("root1", default))!.Email);
        Assert.Empty(await _hub.Audit.ListAsync(new AuditFilter { Action = AuditActions.UserUpdate }, null, 10, default));
        await UserAsync("alice");
        await _hub.Users.ChangeAsync(s_operator, "alice", new UserChange { Email = "a@example.org", IsAdministrator = true }, default);
        Assert.Equal(("a@example.org", ""), ((await _hub.Users.FindAsync("alice", default)) is { } alice ? (alice.Email, alice.DisplayName) : default));
        await _hub.Users.RemoveAsync(s_operator, "root1", default);
        Assert.Null(await _hub.Users.FindAsync("root1", default));
        Assert.True((await _hub.Users.FindAsync("alice", default))!.IsAdministrator);
    }

    [Fact]
    public async Task RemovingAUser_WhoOwnsThings_IsRefused()
    {
        await UserAsync("alice");
        await RepositoryAsync("alice/app", "private");
        await RefusedAsync(FaultKind.Conflict, () => _hub.Users.RemoveAsync(s_operator, "alice", default));
        await UserAsync("bob");
        await _hub.Organisations.CreateAsync(s_operator, "lab", "The lab", "bob", default);
        await RefusedAsync(FaultKind.Conflict, () => _hub.Users.RemoveAsync(s_operator, "bob", default));
        await RefusedAsync(FaultKind.NotFound, () => _hub.Users.RemoveAsync(s_operator, "nobody", default));
    }

    [Fact]
    public async Task RemovedAccount_LeavesNothingToTheNextOfItsName()
    {
        var hosts = new WebhookHosts(["*"]);
        var webhooks = new WebhookService(_database, _hub.Seals, hosts, _hub.Audit, _time);
        var stars = new Stars(_database, _time);
        await RepositoryAsync("other/app", "public");
        long repository = (await NumberAsync($"select id from repositories where name = 'other/app'"))!.Value;
        UserAccount dave = await UserAsync("dave");
        await UserAsync("eve");
        await _hub.Organisations.CreateAsync(s_operator, "lab", "", "eve", default);
        await stars.SetAsync(dave.Id, repository, true, default);
        await stars.SetAsync((await _hub.Users.FindAsync("eve", default))!.Id, repository, true, default);
        foreach (string space in new[] { "dave", "lab" })
        {
            await webhooks.CreateAsync(s_operator, $"{space}/*", "https://hooks.example/old", ["push"], default);
            await _database.WriteAsync((transaction, token) => QuotaTable.SetAsync(transaction, space, 1000, token), default);
        }
        await webhooks.CreateAsync(s_operator, "eve/*", "https://hooks.example/eve", ["push"], default);
        await _hub.Users.RemoveAsync(s_operator, "dave", default);
        await _hub.Organisations.RemoveAsync(s_operator, "lab", default);
        foreach (string space in new[] { "dave", "lab" })
        {
            await UserAsync(space);
            Assert.Empty(await webhooks.ListAsync(space, default));
            Assert.Null((await _database.ReadAsync((transaction, token) => QuotaTable.FindAsync(transaction, space, token), default)).BytesMax);
        }
        Assert.Single(await webhooks.ListAsync("eve", default));
        Assert.Equal(1, await NumberAsync($"select star_count from repositories where id = {repository}"));
        Assert.Equal(
            ["lab/*", "dave/*"],
            (await _hub.Audit.ListAsync(new AuditFilter { Action = AuditActions.WebhookRemove }, null, 10, default)).Select(entry => entry.Subject));
    }

    [Fact]
    public async Task NameOfExistingRepositories_IsNotForStrangers()
    {
        await RepositoryAsync("imported/app", "private");
        await RefusedAsync(FaultKind.Conflict, () => _hub.Users.RegisterAsync(new("imported", Password, "", "", null), null, default));
        UserAccount user = await _hub.Users.CreateAsync(s_operator, new NewUser("imported", Password), default);
        Assert.Equal(RepositoryAccess.Pull | RepositoryAccess.Push | RepositoryAccess.Delete | RepositoryAccess.Administer,
            await AccessAsync(user.Id, "imported/app"));
    }

    [Fact]
    public async Task Token_WorksForItsOwnerOnly_UntilItEnds()
    {
        UserAccount alice = await UserAsync("alice");
        await UserAsync("bob");
        DateTimeOffset end = _time.GetUtcNow().AddDays(1);
        (StoredToken token, string secret) = await _hub.Secrets.CreateTokenAsync(
            s_operator, SecretKind.Personal, alice.Id, "laptop", TokenScopes.Parse(["alice/*:pull"]), end, default);
        Assert.Equal(("laptop", end, SecretText.HintOf(secret)), (token.Name, token.ExpiresAt, token.Hint));
        Caller caller = (await _other.SignIn.WithPasswordAsync("alice", secret, null, default))!;
        Assert.Equal((alice.Id, token.Id), (caller.AccountId, caller.TokenId));
        Assert.Equal([new TokenScope("alice/*", RepositoryAccess.Pull)], caller.Scopes!);
        Assert.Null(await _other.SignIn.WithPasswordAsync("bob", secret, null, default));
        Assert.Equal(_time.GetUtcNow(), Assert.Single(await _hub.Secrets.ListTokensAsync(alice.Id, default)).LastUsedAt);
        await RefusedAsync(FaultKind.Conflict, () => _hub.Secrets.CreateTokenAsync(
            s_operator, SecretKind.Personal, alice.Id, "laptop", null, null, default));
        _time.Advance(TimeSpan.FromDays(1));
        Assert.Null(await _other.SignIn.WithPasswordAsync("alice", secret, null, default));
        Assert.Null(await _other.SignIn.WithTokenAsync(secret, null, null, default));
    }

    [Fact]
    public async Task RevokedToken_TakesItsRefreshTokensAlong()
    {
        UserAccount alice = await UserAsync("alice");
        (StoredToken token, string secret) = await _hub.Secrets.CreateTokenAsync(
            s_operator, SecretKind.Personal, alice.Id, "ci", TokenScopes.Parse(["alice/app:pull"]), null, default);
        string refresh = await _hub.Secrets.BeginSessionAsync(SecretKind.Refresh, alice.Id, token.Id, default);
        Assert.Equal("alice/app", Assert.Single((await _other.SignIn.WithRefreshTokenAsync(refresh, default))!.Scopes!).Repository);
        Assert.True(await _other.Secrets.RevokeTokenAsync(s_operator, alice.Id, "ci", default));
        Assert.False(await _other.Secrets.RevokeTokenAsync(s_operator, alice.Id, "ci", default));
        Assert.Null(await _hub.SignIn.WithRefreshTokenAsync(refresh, default));
        Assert.Null(await _hub.SignIn.WithPasswordAsync("alice", secret, null, default));
    }

    [Fact]
    public async Task ChangedPassword_EndsSessions_NotTokens()
    {
        UserAccount alice = await UserAsync("alice");
        (StoredToken token, _) = await _hub.Secrets.CreateTokenAsync(s_operator, SecretKind.Personal, alice.Id, "ci", null, null, default);
        string session = await _hub.SignIn.BeginSessionAsync(new Caller { AccountId = alice.Id, Name = "alice" }, default);
        string byPassword = await _hub.Secrets.BeginSessionAsync(SecretKind.Refresh, alice.Id, null, default);
        string byToken = await _hub.Secrets.BeginSessionAsync(SecretKind.Refresh, alice.Id, token.Id, default);
        // Each secret opens its own door only.
        Assert.Null(await _hub.SignIn.WithRefreshTokenAsync(session, default));
        Assert.Null(await _hub.SignIn.WithTokenAsync(session, null, null, default));
        await _hub.Users.SetPasswordAsync(s_operator, "alice", "another horse", default);
        Assert.Null(await _hub.SignIn.WithSessionAsync(session, default));
        Assert.Null(await _hub.SignIn.WithRefreshTokenAsync(byPassword, default));
        Assert.NotNull(await _hub.SignIn.WithRefreshTokenAsync(byToken, default));
    }

    [Fact]
    public async Task Sessions_MoveWithUse_AndEndWithoutIt()
    {
        UserAccount alice = await UserAsync("alice");
        string used = await _hub.SignIn.BeginSessionAsync(new Caller { AccountId = alice.Id, Name = "alice" }, default);
        string idle = await _hub.SignIn.BeginSessionAsync(new Caller { AccountId = alice.Id, Name = "alice" }, default);
        _time.Advance(SecretStore.SessionLifetime - TimeSpan.FromHours(1));
        Assert.NotNull(await _hub.SignIn.WithSessionAsync(used, default));
        _time.Advance(TimeSpan.FromHours(2));
        Assert.NotNull(await _hub.SignIn.WithSessionAsync(used, default));
        Assert.Null(await _hub.SignIn.WithSessionAsync(idle, default));
        await _hub.Secrets.EndSessionAsync(Caller.Anonymous, used, default);
        Assert.Null(await _hub.SignIn.WithSessionAsync(used, default));
    }

    [Theory]
    [InlineData(""), InlineData("bad name/x"), InlineData("/"), InlineData("."), InlineData(".."), InlineData("a\n")]
    public async Task Token_WhoseNameNoAddressCanName_IsRefused(string name)
    {
        long alice = (await UserAsync("alice")).Id;
        foreach (SecretKind kind in new[] { SecretKind.Personal, SecretKind.Robot })
            await RefusedAsync(FaultKind.InvalidArgument, () => _hub.Secrets.CreateTokenAsync(
                s_operator, kind, alice, name, TokenScopes.Parse(["*:pull"]), null, default));
    }

    [Fact]
    public async Task Robot_ActsForItsOrganisation_WithinItsScopes()
    {
        await UserAsync("alice");
        Organisation lab = await _hub.Organisations.CreateAsync(s_operator, "lab", "", "alice", default);
        await RepositoryAsync("lab/app", "private");
        await RepositoryAsync("lab/secret", "private");
        await RefusedAsync(FaultKind.InvalidArgument, () => _hub.Secrets.CreateTokenAsync(
            s_operator, SecretKind.Robot, lab.Id, "ci", null, null, default));
        (_, string secret) = await _hub.Secrets.CreateTokenAsync(
            s_operator, SecretKind.Robot, lab.Id, "ci", TokenScopes.Parse(["lab/app:*", "alice/app:pull"]), null, default);
        Caller robot = (await _other.SignIn.WithPasswordAsync("lab+ci", secret, null, default))!;
        Assert.Equal(("lab+ci", lab.Id), (robot.Name, robot.AccountId));
        Assert.Null(await _other.SignIn.WithPasswordAsync("lab", secret, null, default));
        Assert.Equal(RepositoryAccess.Pull | RepositoryAccess.Push | RepositoryAccess.Delete, await AccessAsync(robot, "lab/app"));
        Assert.Equal(RepositoryAccess.None, await AccessAsync(robot, "lab/secret"));
        Assert.False(await _other.Access.MayCreateAsync(robot, RepositoryName.Parse("lab/new"), default));
        await RepositoryAsync("alice/app", "private");
        Assert.Equal(RepositoryAccess.None, await AccessAsync(robot, "alice/app"));
    }

    [Fact]
    public async Task Access_FollowsOwnershipRolesAndTeams()
    {
        UserAccount alice = await UserAsync("alice");
        UserAccount mia = await UserAsync("mia");
        UserAccount tom = await UserAsync("tom");
        UserAccount eve = await UserAsync("eve");
        await _hub.Organisations.CreateAsync(s_operator, "lab", "", "alice", default);
        await _hub.Organisations.SetMemberAsync(s_operator, "lab", "mia", OrganisationRole.Maintainer, default);
        await _hub.Organisations.SetMemberAsync(s_operator, "lab", "tom", OrganisationRole.Member, default);
        await _hub.Teams.CreateAsync(s_operator, "lab", "readers", "", default);
        await RefusedAsync(FaultKind.Conflict, () => _hub.Teams.AddMemberAsync(s_operator, "lab", "readers", "eve", default));
        await _hub.Teams.AddMemberAsync(s_operator, "lab", "readers", "tom", default);
        await RepositoryAsync("lab/app", "private");
        await RepositoryAsync("lab/open", "public");
        await RepositoryAsync("busybox", "public");
        const RepositoryAccess Content = RepositoryAccess.Pull | RepositoryAccess.Push | RepositoryAccess.Delete;
        Assert.Equal(Content | RepositoryAccess.Administer, await AccessAsync(alice.Id, "lab/app"));
        Assert.Equal(Content | RepositoryAccess.Administer, await AccessAsync(mia.Id, "lab/app"));
        foreach (long? stranger in new long?[] { tom.Id, eve.Id, null })
        {
            Assert.Equal(RepositoryAccess.None, await AccessAsync(stranger, "lab/app"));
            Assert.Equal(RepositoryAccess.None, await AccessAsync(stranger, "lab/unknown"));
            Assert.Equal(RepositoryAccess.Pull, await AccessAsync(stranger, "lab/open"));
            Assert.Equal(RepositoryAccess.Pull, await AccessAsync(stranger, "busybox"));
            Assert.False(await MayCreateAsync(stranger, "lab/new"));
            Assert.False(await MayCreateAsync(stranger, "new"));
            Assert.False(await MayCreateAsync(stranger, "nobody/new"));
        }
        await _hub.Teams.SetPermissionAsync(s_operator, "lab", "readers", "lab/app", RepositoryAccess.Push, default);
        Assert.Equal(RepositoryAccess.Pull | RepositoryAccess.Push, await AccessAsync(tom.Id, "lab/app"));
        Assert.False(await MayCreateAsync(tom.Id, "lab/new"));
        await _hub.Teams.SetPermissionAsync(s_operator, "lab", "readers", "lab/*", RepositoryAccess.Push, default);
        Assert.True(await MayCreateAsync(tom.Id, "lab/new"));
        Team team = Assert.Single(await _hub.Teams.ListAsync("lab", default));
        Assert.Equal(("readers", "tom", 2), (team.Name, Assert.Single(team.Members), team.Permissions.Count));
        // What another process takes away is away here, too.
        await _other.Organisations.RemoveMemberAsync(s_operator, "lab", "tom", default);
        Assert.Equal(RepositoryAccess.None, await AccessAsync(tom.Id, "lab/app"));
        Assert.True(await MayCreateAsync(mia.Id, "lab/new"));
        Assert.True(await MayCreateAsync(alice.Id, "alice/new"));
        Assert.False(await MayCreateAsync(alice.Id, "alicex/new"));
    }

    [Fact]
    public async Task Teams_ReachNoForeignRepository()
    {
        await UserAsync("alice");
        await _hub.Organisations.CreateAsync(s_operator, "lab", "", "alice", default);
        await _hub.Teams.CreateAsync(s_operator, "lab", "staff", "", default);
        foreach (string foreign in new[] { "other/app", "*", "other/*", "lab", "lab/../other/app", "labx/app" })
            await RefusedAsync(FaultKind.InvalidArgument, () => _hub.Teams.SetPermissionAsync(
                s_operator, "lab", "staff", foreign, RepositoryAccess.Pull, default));
        await RefusedAsync(FaultKind.NotFound, () => _hub.Teams.SetPermissionAsync(
            s_operator, "lab", "nobody", "lab/app", RepositoryAccess.Pull, default));
    }

    [Fact]
    public async Task Organisation_KeepsAnOwner()
    {
        await UserAsync("alice");
        await UserAsync("bob");
        await _hub.Organisations.CreateAsync(s_operator, "lab", "", "alice", default);
        await RefusedAsync(FaultKind.Conflict, () => _hub.Organisations.RemoveMemberAsync(s_operator, "lab", "alice", default));
        await RefusedAsync(FaultKind.Conflict, () => _hub.Organisations.SetMemberAsync(
            s_operator, "lab", "alice", OrganisationRole.Member, default));
        await _hub.Organisations.SetMemberAsync(s_operator, "lab", "bob", OrganisationRole.Owner, default);
        await _hub.Organisations.RemoveMemberAsync(s_operator, "lab", "alice", default);
        Assert.Equal(["bob"], (await _hub.Organisations.MembersAsync("lab", default)).Select(member => member.Name));
        await RefusedAsync(FaultKind.Conflict, () => _hub.Organisations.CreateAsync(s_operator, "bob", "", "alice", default));
        await RefusedAsync(FaultKind.Conflict, () => _hub.Users.CreateAsync(s_operator, new NewUser("lab", Password), default));
        await _hub.Organisations.RemoveAsync(s_operator, "lab", default);
        Assert.Null(await _hub.Organisations.FindAsync("lab", default));
    }

    [Fact]
    public async Task Administrator_DoesEverything_UnlessATokenNarrows()
    {
        UserAccount root = await _hub.Users.CreateAsync(s_operator, new NewUser("root1", Password) { IsAdministrator = true }, default);
        await RepositoryAsync("alice/app", "private");
        Assert.True((await AccessAsync(root.Id, "alice/app")).HasFlag(RepositoryAccess.Administer));
        Assert.True(await MayCreateAsync(root.Id, "busybox"));
        (_, string secret) = await _hub.Secrets.CreateTokenAsync(
            s_operator, SecretKind.Personal, root.Id, "ci", TokenScopes.Parse(["root1/*:pull"]), null, default);
        Caller narrowed = (await _hub.SignIn.WithPasswordAsync("root1", secret, null, default))!;
        Assert.False(narrowed.IsAdministrator);
        Assert.Equal(RepositoryAccess.None, await AccessAsync(narrowed, "alice/app"));
    }

    [Fact]
    public async Task SigningKeys_AreSharedAndRotate()
    {
        string first = await _hub.Bearers.IssueAsync(new BearerClaims { AccountId = 1, Name = "alice" }, default);
        Assert.NotNull(await _other.Bearers.ReadAsync(first, default));
        // At once, and from the same hour on: one key, whoever is asked.
        Assert.Equal(KeyOf(first), KeyOf(await _other.Bearers.IssueAsync(new BearerClaims(), default)));
        _time.Advance(SigningKey.SignsFor - TimeSpan.FromMinutes(1));
        string old = await _hub.Bearers.IssueAsync(new BearerClaims { AccountId = 1, Name = "alice" }, default);
        _time.Advance(TimeSpan.FromMinutes(2));
        string[] fresh = await Task.WhenAll(new[] { _hub, _other }.Select(async hub => await hub.Bearers.IssueAsync(new BearerClaims(), default)));
        Assert.Equal(KeyOf(first), KeyOf(old));
        Assert.NotEqual(KeyOf(first), KeyOf(fresh[0]));
        Assert.NotNull(await _other.Bearers.ReadAsync(old, default));
        Assert.NotNull(await _other.Bearers.ReadAsync(fresh[0], default));
        Assert.NotNull(await _hub.Bearers.ReadAsync(fresh[1], default));
    }

    [Fact]
    public async Task Audit_IsFiltered_AndPaged()
    {
        await UserAsync("alice");
        await UserAsync("al_ce");
        await UserAsync("alxce");
        for (int i = 0; i < 5; i++)
            await _hub.Audit.RecordAsync(s_operator, AuditActions.TagPush, "al_ce/app", $"tag {i}", default);
        await _hub.Audit.RecordAsync(s_operator, AuditActions.TagPush, "alxce/app", new string('x', 5000), default);
        List<AuditEntry> page = await _hub.Audit.ListAsync(new AuditFilter { Namespace = "al_ce" }, null, 3, default);
        Assert.Equal(["tag 4", "tag 3", "tag 2"], page.Select(entry => entry.Details));
        List<AuditEntry> rest = await _hub.Audit.ListAsync(new AuditFilter { Namespace = "al_ce" }, page[^1].Id, 10, default);
        Assert.Equal(["tag 1", "tag 0", ""], rest.Select(entry => entry.Details));
        AuditEntry cut = Assert.Single(await _hub.Audit.ListAsync(new AuditFilter { Action = AuditActions.TagPush, Subject = "alxce/app" }, null, 10, default));
        Assert.Equal(AuditLog.DetailsLengthMax, cut.Details.Length);
        Assert.Empty(await _hub.Audit.ListAsync(new AuditFilter { Since = _time.GetUtcNow().AddSeconds(1) }, null, 10, default));
    }

    private async Task<AccountServices> MakeAsync(HubDatabase database, SignUpMode mode) => new(
        database, new AccountSettings { SignUp = mode }, [],
        await SealedSecrets.OpenAsync(database, Path.Join(_keys.FullName, "secret.key"), _time, NullLogger.Instance, default),
        _time, NullLoggerFactory.Instance);

    private Task<UserAccount> UserAsync(string name) => _hub.Users.CreateAsync(s_operator, new NewUser(name, Password), default);

    private Task<int> RepositoryAsync(string name, string visibility) => _database.WriteAsync(
        (transaction, token) => transaction.ExecuteAsync(
            $"insert into repositories(name, namespace, visibility, created_at) values ({name}, {RepositoryName.Parse(name).Namespace}, {visibility}, 0)",
            token), default);

    private Task<long?> NumberAsync(SqlText question) =>
        _database.ReadAsync((transaction, token) => transaction.NumberAsync(question, token), default);

    private async Task<RepositoryAccess> AccessAsync(long? account, string repository) =>
        await AccessAsync(Caller.Anonymous with { AccountId = account }, repository);

    private async Task<RepositoryAccess> AccessAsync(Caller caller, string repository)
    {
        RepositoryAccess here = await _hub.Access.OfAsync(caller, RepositoryName.Parse(repository), default);
        Assert.Equal(here, await _other.Access.OfAsync(caller, RepositoryName.Parse(repository), default));
        return here;
    }

    private async Task<bool> MayCreateAsync(long? account, string repository) =>
        await _hub.Access.MayCreateAsync(Caller.Anonymous with { AccountId = account }, RepositoryName.Parse(repository), default);

    private static async Task RefusedAsync(FaultKind kind, Func<Task> attempt) =>
        Assert.Equal(kind, (await Assert.ThrowsAsync<FaultException>(attempt)).Kind);

    private static string KeyOf(string token) => token[..token.IndexOf('.', StringComparison.Ordinal)];

    private static UpstreamOptions Upstream(string prefix) => new() { Prefix = prefix, Address = new Uri("https://registry.example") };
}
