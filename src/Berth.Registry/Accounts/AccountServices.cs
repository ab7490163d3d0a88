using Berth.Registry.Access;
using Berth.Registry.Accounts.Htpasswd;
using Berth.Registry.Accounts.Oidc;
using Berth.Registry.Audit;
using Berth.Registry.Cache;
using Berth.Registry.Database;
using Berth.Registry.Sealing;
using Berth.Registry.Tokens;
using Microsoft.Extensions.Logging;

namespace Berth.Registry.Accounts;

/// <summary>All that knows accounts, made once and reached through <see cref="Hosting.HubServices"/>.</summary>
public sealed record AccountServices : IDisposable
{
    private readonly PasswordHasher _hasher;
    private readonly OidcProvider? _provider;

    /// <summary>Puts the parts together.</summary>
    public AccountServices(
        HubDatabase database, AccountSettings settings, IEnumerable<UpstreamOptions> upstreams, SealedSecrets seals, TimeProvider time,
        ILoggerFactory loggers)
    {
        Settings = settings;
        Seals = seals;
        _hasher = new PasswordHasher();
        Audit = new AuditLog(database, time);
        Secrets = new SecretStore(database, Audit, time);
        Users = new UserService(database, _hasher, Secrets, Audit, settings.SignUp, time);
        Organisations = new OrganisationService(database, Audit, time);
        Teams = new TeamService(database, Audit, time);
        Directory = new AccountDirectory(database, Secrets);
        Access = new AccessRules(Directory, upstreams);
        Address = new PublicAddress(settings.PublicUrl);
        Htpasswd = settings.HtpasswdFile is { } file ? new HtpasswdFile(file, loggers.CreateLogger<HtpasswdFile>()) : null;
        HtpasswdImport = new HtpasswdImport(database, Users);
        SignIn = new SignIn(
            database, Directory, Secrets, _hasher, new LoginThrottle(database, time), Htpasswd,
            new HtpasswdAccounts(database, Users, Audit, time), Audit, time, loggers.CreateLogger<SignIn>());
        Bearers = new BearerTokens(new StoredSigningKeys(
            database, seals, time, loggers.CreateLogger<StoredSigningKeys>()), settings.Service, time);
        Callers = new CallerReader(Bearers, SignIn, Directory, Address);
        OidcAccounts = new OidcAccounts(database, Users, Secrets, Audit, time);
        if (settings.Oidc is { } oidc)
        {
            _provider = new OidcProvider(oidc, time);
            Oidc = new OidcEndpoints(
                oidc, _provider, OidcAccounts, Directory, SignIn, Audit, Address, database, seals, time,
                loggers.CreateLogger<OidcEndpoints>());
        }
        TokenEndpoints = new TokenEndpoints(Bearers, SignIn, Callers, Secrets, Access, time);
    }

    /// <summary>How accounts work here.</summary>
    public AccountSettings Settings { get; }

    /// <summary>Seals what is secret in the database.</summary>
    public SealedSecrets Seals { get; }

    /// <summary>The record of changes.</summary>
    public AuditLog Audit { get; }

    /// <summary>Tokens, sessions, invitations.</summary>
    public SecretStore Secrets { get; }

    /// <summary>Users.</summary>
    public UserService Users { get; }

    /// <summary>Organisations and their members.</summary>
    public OrganisationService Organisations { get; }

    /// <summary>Teams of organisations.</summary>
    public TeamService Teams { get; }

    /// <summary>What is looked up for every request.</summary>
    public AccountDirectory Directory { get; }

    /// <summary>Who may do what.</summary>
    public AccessRules Access { get; }

    /// <summary>Proves who somebody is.</summary>
    public SignIn SignIn { get; }

    /// <summary>Bearer tokens.</summary>
    public BearerTokens Bearers { get; }

    /// <summary>Who asks.</summary>
    public CallerReader Callers { get; }

    /// <summary>The token service.</summary>
    public TokenEndpoints TokenEndpoints { get; }

    /// <summary>Takes accounts from htpasswd files.</summary>
    public HtpasswdImport HtpasswdImport { get; }

    /// <summary>The htpasswd file whose people may sign in; null where there is none.</summary>
    public HtpasswdFile? Htpasswd { get; }

    /// <summary>What computing passwords' hashes has cost.</summary>
    internal PasswordWork PasswordWork => _hasher.Work;

    /// <summary>Which account belongs to whom at the OpenID provider.</summary>
    public OidcAccounts OidcAccounts { get; }

    /// <summary>Sign-in through the OpenID provider; null where there is none.</summary>
    public OidcEndpoints? Oidc { get; }

    /// <summary>Where clients reach the hub.</summary>
    public PublicAddress Address { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        _provider?.Dispose();
        _hasher.Dispose();
    }
}
