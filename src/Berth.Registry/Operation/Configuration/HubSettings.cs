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
    public static readonly HubSetting PublicUrl = new(
        "public-url", SettingKind.Text, "URL", "Where clients reach the hub, if not where they say they do");
    public static readonly HubSetting Service = new(
        "service", SettingKind.Text, "NAME", $"The hub's name in tokens (default {AccountSettings.DefaultService})");
    public static readonly HubSetting SignUp = new(
        "sign-up", SettingKind.Text, "MODE", "Who may make an account: closed (default), invited, open");
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
    public static readonly HubSetting LogLevel = new(
        "log-level", SettingKind.Text, "LEVEL", "debug (each request), information (default), warning, error");
    public static readonly HubSetting LogFormat = new("log-format", SettingKind.Text, "FORMAT", "text (default) or json");
    public static readonly HubSetting AnonymousPush = new(
        "anonymous-push", SettingKind.Flag, "", "Whoever can connect may push and delete: for tests and for one's own machine");
#pragma warning restore CS1591

    /// <summary>All of them, in the order of help.</summary>
    public static IReadOnlyList<HubSetting> All { get; } =
    [
        Listen, Data, Database, PublicUrl, Service, SignUp, TlsCertificate, TlsKey, TrustedProxies, AdministrationListen, WebhookHosts,
        AnonymousPulls, AccountPulls, AnonymousRequests, AccountRequests, OidcIssuer, OidcClientId, OidcClientSecretFile, OidcName,
        OidcScopes, OidcSignUp, LogLevel, LogFormat, AnonymousPush,
    ];
}
