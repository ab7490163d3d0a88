using Berth.Registry.Accounts;
using Berth.Registry.Hosting;

namespace Berth.Registry.Operation.Configuration;

/// <summary>Every setting, in one place: the file, the flags, their help and the documentation follow from it.</summary>
public static class HubSettings
{
#pragma warning disable CS1591 // Each says itself in its help.
    public static readonly HubSetting Listen = new(
        "listen", SettingKind.List, "ADDRESS:PORT", $"Where clients connect (default {HubOptions.DefaultListen})");
    public static readonly HubSetting Data = new(
        "data", SettingKind.Text, "DIR", $"Blobs and the embedded database (default {HubOptions.DefaultDataDirectory})");
    public static readonly HubSetting Database = new(
        "database", SettingKind.Text, "CONNECTION", "PostgreSQL connection string, instead of the embedded database");
    public static readonly HubSetting SecretKeyFile = new(
        "secret-key-file", SettingKind.Text, "FILE",
        $"File with the key that secrets in the database are encrypted with; made when it is missing (default DIR/{HubOptions.DefaultKeyFile})");
    public static readonly HubSetting PublicUrl = new(
        "public-url", SettingKind.Text, "URL", "Where clients reach the hub, if not where they say they do");
    public static readonly HubSetting Service = new(
        "service", SettingKind.Text, "NAME", $"The hub's name in tokens (default {AccountSettings.DefaultService})");
    public static readonly HubSetting SignUp = new(
        "sign-up", SettingKind.Text, "MODE", "Who may make an account: closed (default), invited, open");
    public static readonly HubSetting Htpasswd = new(
        "htpasswd", SettingKind.Text, "FILE",
        "Names and bcrypt passwords that may sign in, as docker-registry has them; read again when it changes");
    public static readonly HubSetting TlsCertificate = new(
        "tls-certificate", SettingKind.Text, "FILE", "PEM file of the certificate and its chain; read again when it changes");
    public static readonly HubSetting TlsKey = new("tls-key", SettingKind.Text, "FILE", "PEM file of the certificate's private key");
    public static readonly HubSetting TrustedProxies = new(
        "trusted-proxies", SettingKind.List, "NETWORK", "Addresses whose X-Forwarded headers are believed");
    public static readonly HubSetting AdministrationListen = new(
        "admin-listen", SettingKind.Text, "ADDRESS:PORT", "Serve /metrics, /health and /ready here to whoever connects");
    public static readonly HubSetting WebhookHosts = new(
        "webhook-hosts", SettingKind.List, "HOST", "Hosts and networks that webhooks may be sent to (default none)");
    public static readonly HubSetting AnonymousPulls = new(
        "limit-anonymous-pulls", SettingKind.Text, "COUNT/TIME", "Pulls of one address without an account, as in 100/6h");
    public static readonly HubSetting AccountPulls = new(
        "limit-account-pulls", SettingKind.Text, "COUNT/TIME", "Pulls of one account");
    public static readonly HubSetting AnonymousRequests = new(
        "limit-anonymous-requests", SettingKind.Text, "COUNT/TIME", "All requests of one address without an account");
    public static readonly HubSetting AccountRequests = new(
        "limit-account-requests", SettingKind.Text, "COUNT/TIME", "All requests of one account");
    public static readonly HubSetting OidcIssuer = new(
        "oidc-issuer", SettingKind.Text, "URL", "OpenID provider whose people may sign in");
    public static readonly HubSetting OidcClientId = new("oidc-client-id", SettingKind.Text, "ID", "The hub's name at the provider");
    public static readonly HubSetting OidcClientSecretFile = new(
        "oidc-client-secret-file", SettingKind.Text, "FILE", "File with the hub's secret at the provider; none for a public client");
    public static readonly HubSetting OidcName = new(
        "oidc-name", SettingKind.Text, "NAME", "What the sign-in button calls the provider (default its host)");
    public static readonly HubSetting OidcScopes = new(
        "oidc-scopes", SettingKind.List, "SCOPE", "Scopes that are asked for (default openid profile email)");
    public static readonly HubSetting OidcSignUp = new(
        "oidc-sign-up", SettingKind.Flag, "", "Make an account for whoever signs in through the provider for the first time");
    public static readonly HubSetting Upstreams = new(
        "upstreams", SettingKind.Tables, "prefix=NAME,url=URL,…",
        "Registry whose images are passed on and kept; also user, password-file, token-url, members-only, tag-time");
    public static readonly HubSetting NewRepositories = new(
        "new-repositories", SettingKind.Text, "VISIBILITY", "Who may pull what a first push makes: public (default) or private");
    public static readonly HubSetting UnusedBlobTime = new(
        "unused-blob-time", SettingKind.Text, "TIME", "How long a blob stays that no manifest needs (default 6h)");
    public static readonly HubSetting UploadTime = new(
        "upload-time", SettingKind.Text, "TIME", "How long an upload stays that nobody goes on with (default 24h)");
    public static readonly HubSetting CollectionInterval = new(
        "collection-interval", SettingKind.Text, "TIME", "How often garbage is collected (default 1h)");
    public static readonly HubSetting S3Endpoint = new(
        "s3-endpoint", SettingKind.Text, "URL", "S3-compatible service for the blobs, instead of files");
    public static readonly HubSetting S3Bucket = new("s3-bucket", SettingKind.Text, "NAME", "The bucket, which must exist");
    public static readonly HubSetting S3Prefix = new("s3-prefix", SettingKind.Text, "PREFIX/", "What all keys begin with");
    public static readonly HubSetting S3Region = new(
        "s3-region", SettingKind.Text, "NAME", "The region that requests are signed for (default us-east-1)");
    public static readonly HubSetting S3AccessKey = new("s3-access-key", SettingKind.Text, "KEY", "Who signs");
    public static readonly HubSetting S3SecretKeyFile = new("s3-secret-key-file", SettingKind.Text, "FILE",
        "File with what is signed with");
    public static readonly HubSetting LogLevel = new(
        "log-level", SettingKind.Text, "LEVEL", "debug (each request), information or info (default), warning, error");
    public static readonly HubSetting LogFormat = new("log-format", SettingKind.Text, "FORMAT", "text (default) or json");
    public static readonly HubSetting AnonymousPush = new(
        "anonymous-push", SettingKind.Flag, "", "Whoever can connect may push and delete: for tests and for one's own machine");
#pragma warning restore CS1591

    /// <summary>All of them, in the order of help.</summary>
    public static IReadOnlyList<HubSetting> All { get; } =
    [
        Listen, Data, Database, SecretKeyFile, PublicUrl, Service, SignUp, Htpasswd, TlsCertificate, TlsKey, TrustedProxies,
        AdministrationListen, WebhookHosts,
        AnonymousPulls, AccountPulls, AnonymousRequests, AccountRequests, OidcIssuer, OidcClientId, OidcClientSecretFile, OidcName,
        OidcScopes, OidcSignUp, Upstreams, NewRepositories, UnusedBlobTime, UploadTime, CollectionInterval, S3Endpoint, S3Bucket, S3Prefix,
        S3Region, S3AccessKey, S3SecretKeyFile, LogLevel, LogFormat, AnonymousPush,
    ];
}
