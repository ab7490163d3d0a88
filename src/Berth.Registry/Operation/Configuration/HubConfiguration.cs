using System.Net;
using Berth.Registry.Accounts;
using Berth.Registry.Accounts.Htpasswd;
using Berth.Registry.Accounts.Oidc;
using Berth.Registry.Hosting;
using Berth.Registry.Operation.Limits;
using Berth.Registry.Operation.Serving;
using Berth.Registry.Operation.Webhooks;
using Berth.Registry.Storage;
using Microsoft.Extensions.Logging;

namespace Berth.Registry.Operation.Configuration;

/// <summary>A hub's settings, checked as a whole: whoever has three mistakes is told of three.</summary>
/// <param name="Options">How the hub is to run.</param>
/// <param name="LogLevel">What is logged.</param>
/// <param name="LogsAsJson">Whether each line of the log is a JSON object.</param>
public sealed record HubConfiguration(HubOptions Options, LogLevel LogLevel, bool LogsAsJson)
{
    /// <summary>Checks values and makes the configuration; null when <paramref name="errors"/> got any.</summary>
    public static HubConfiguration? Build(SettingValues values, ICollection<string> errors)
    {
        var reader = new Reader(values, errors);
        int before = errors.Count;
        var options = new HubOptions
        {
            Listen = reader.EndPoints(HubSettings.Listen, [IPEndPoint.Parse(HubOptions.DefaultListen)]),
            DataDirectory = Path.GetFullPath(reader.NotEmpty(HubSettings.Data) ?? HubOptions.DefaultDataDirectory),
            Database = reader.NotEmpty(HubSettings.Database),
            SecretKeyFile = reader.NotEmpty(HubSettings.SecretKeyFile) is { } key ? Path.GetFullPath(key) : null,
            AnonymousPush = values.Flag(HubSettings.AnonymousPush),
            Accounts = Accounts(reader),
            Serving = Serving(reader),
            Upstreams = UpstreamSettings.Read(values.List(HubSettings.Upstreams) ?? [], errors),
            S3 = reader.S3(),
            NewRepositories = reader.OneOf(HubSettings.NewRepositories, "public", "private"),
            UnusedBlobTime = reader.Time(HubSettings.UnusedBlobTime, TimeSpan.FromHours(6)),
            UploadTime = reader.Time(HubSettings.UploadTime, TimeSpan.FromHours(24)),
            CollectionInterval = reader.Time(HubSettings.CollectionInterval, TimeSpan.FromHours(1), daysMax: 49),
        };
        (LogLevel level, bool isJson) = (reader.Level(), reader.IsJson());
        return errors.Count == before ? new HubConfiguration(options, level, isJson) : null;
    }

    private static AccountSettings Accounts(Reader reader)
    {
        string service = reader.NotEmpty(HubSettings.Service) ?? AccountSettings.DefaultService;
        // It stands between quotes in a header.
        if (service.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('.' or '-' or '_' or ':')) || service.Length > 100)
            reader.Wrong(HubSettings.Service, service, "letters, digits and . - _ : are expected");
        return new AccountSettings
        {
            SignUp = reader.SignUp(),
            Service = service,
            PublicUrl = reader.PublicUrl(),
            HtpasswdFile = reader.Htpasswd(),
            Oidc = reader.Oidc(),
        };
    }

    private static ServingSettings Serving(Reader reader) => new()
    {
        Tls = reader.Tls(),
        TrustedProxies = reader.Networks(),
        AdministrationListen = reader.EndPoints(HubSettings.AdministrationListen, []) is [var first, ..] ? first : null,
        WebhookHosts = reader.Hosts(),
        Rates = new RateSettings
        {
            AnonymousPulls = reader.Rate(HubSettings.AnonymousPulls),
            AccountPulls = reader.Rate(HubSettings.AccountPulls),
            AnonymousRequests = reader.Rate(HubSettings.AnonymousRequests),
            AccountRequests = reader.Rate(HubSettings.AccountRequests),
        },
    };

    private sealed class Reader(SettingValues values, ICollection<string> errors)
    {
        public void Wrong(HubSetting setting, string value, string expected) => errors.Add($"{setting.Key}: {value}: {expected}");

        public string? NotEmpty(HubSetting setting)
        {
            if (values.Text(setting) is not { } text)
                return null;
            if (text.Length == 0)
                errors.Add($"{setting.Key}: it is empty");
            return text.Length == 0 ? null : text;
        }

        public IReadOnlyList<IPEndPoint> EndPoints(HubSetting setting, IReadOnlyList<IPEndPoint> missing)
        {
            if (values.List(setting) is not { } texts)
                return missing;
            var points = new List<IPEndPoint>();
            foreach (string text in texts)
            {
                if (HasPort(text) && IPEndPoint.TryParse(text, out IPEndPoint? point))
                    points.Add(point);
                else
                    Wrong(setting, text, "not an address and a port, as in 127.0.0.1:5000");
            }
            return points;
        }

        // Without one, port 0 would be taken.
        private static bool HasPort(string text) =>
            text.StartsWith('[') ? text.Contains("]:", StringComparison.Ordinal) : text.AsSpan().Count(':') == 1;

        public IReadOnlyList<IPNetwork> Networks()
        {
            var networks = new List<IPNetwork>();
            foreach (string text in values.List(HubSettings.TrustedProxies) ?? [])
            {
                if (IPNetwork.TryParse(text, out IPNetwork network))
                    networks.Add(network);
                else if (IPAddress.TryParse(text, out IPAddress? address))
                    networks.Add(new IPNetwork(address, address.GetAddressBytes().Length * 8));
                else
                    Wrong(HubSettings.TrustedProxies, text, "not an address or a network, as in 10.0.0.0/8");
            }
            return networks;
        }

        public Uri? Url(HubSetting setting)
        {
            if (NotEmpty(setting) is not { } text)
                return null;
            if (Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https"
                && url is { UserInfo: "", Query: "", Fragment: "" })
                return url;
            Wrong(setting, text, "not an address, as in https://hub.example.org");
            return null;
        }

        // The protocol has its place at a host's root, and so have the pages.
        public Uri? PublicUrl()
        {
            Uri? url = Url(HubSettings.PublicUrl);
            if (url is null or { AbsolutePath: "/" })
                return url;
            Wrong(HubSettings.PublicUrl, url.OriginalString, "it has a path: a hub has a host of its own, as in https://hub.example.org");
            return null;
        }

        // A timer of .NET waits 49 days at most.
        public TimeSpan Time(HubSetting setting, TimeSpan missing, int daysMax = int.MaxValue)
        {
            if (NotEmpty(setting) is not { } text)
                return missing;
            if (!DurationText.TryParse(text, out TimeSpan time))
                Wrong(setting, text, "not a time, as in 6h");
            else if (time.TotalDays > daysMax)
                Wrong(setting, text, $"at most {daysMax}d");
            return time;
        }

        /// <summary>One of the words; the first where nothing is set.</summary>
        public string OneOf(HubSetting setting, params ReadOnlySpan<string> words)
        {
            string text = values.Text(setting) ?? words[0];
            if (!words.Contains(text))
                Wrong(setting, text, $"{string.Join(" or ", words)} is expected");
            return text;
        }

        public S3Options? S3()
        {
            HubSetting[] needed = [HubSettings.S3Endpoint, HubSettings.S3Bucket, HubSettings.S3AccessKey, HubSettings.S3SecretKeyFile];
            bool isAny = needed.Append(HubSettings.S3Prefix).Append(HubSettings.S3Region).Any(setting => values.List(setting) is not null);
            foreach (HubSetting setting in needed.Where(setting => isAny && values.List(setting) is null))
                errors.Add($"{setting.Key}: it is needed for S3");
            string? prefix = NotEmpty(HubSettings.S3Prefix);
            if (prefix is not null && !prefix.EndsWith('/'))
                Wrong(HubSettings.S3Prefix, prefix, "a slash is expected at its end");
            (Uri? endpoint, string? bucket) = (Url(HubSettings.S3Endpoint), NotEmpty(HubSettings.S3Bucket));
            (string? access, string? secret) = (NotEmpty(HubSettings.S3AccessKey), Secret(HubSettings.S3SecretKeyFile));
            return endpoint is null || bucket is null || access is null || secret is null ? null : new S3Options
            {
                Endpoint = endpoint, Bucket = bucket, Prefix = prefix ?? "", Region = NotEmpty(HubSettings.S3Region) ?? "us-east-1",
                AccessKey = access, SecretKey = secret,
            };
        }

        public Rate? Rate(HubSetting setting)
        {
            if (NotEmpty(setting) is not { } text)
                return null;
            if (Limits.Rate.TryParse(text, out Rate rate))
                return rate;
            Wrong(setting, text, "not a rate, as in 100/6h");
            return null;
        }

        public IReadOnlyList<string> Hosts()
        {
            IReadOnlyList<string> hosts = values.List(HubSettings.WebhookHosts) ?? [];
            foreach (string host in hosts)
            {
                try
                {
                    _ = new WebhookHosts([host]);
                }
                catch (FaultException fault)
                {
                    errors.Add($"{HubSettings.WebhookHosts.Key}: {fault.Message}");
                }
            }
            return hosts;
        }

        public SignUpMode SignUp()
        {
            string text = values.Text(HubSettings.SignUp) ?? "closed";
            if (text is not ("closed" or "invited" or "open"))
                Wrong(HubSettings.SignUp, text, "closed, invited or open is expected");
            return text switch { "open" => SignUpMode.Open, "invited" => SignUpMode.Invited, _ => SignUpMode.Closed };
        }

        public TlsFiles? Tls()
        {
            (string? certificate, string? key) = (NotEmpty(HubSettings.TlsCertificate), NotEmpty(HubSettings.TlsKey));
            if (certificate is null != key is null)
                errors.Add($"{HubSettings.TlsCertificate.Key} and {HubSettings.TlsKey.Key}: both are needed, or none");
            return certificate is null || key is null ? null : new TlsFiles(certificate, key);
        }

        public OidcSettings? Oidc()
        {
            HubSetting[] parts =
            [
                HubSettings.OidcClientId, HubSettings.OidcClientSecretFile, HubSettings.OidcName, HubSettings.OidcScopes,
                    HubSettings.OidcSignUp,
            ];
            if (Url(HubSettings.OidcIssuer) is not { } issuer)
            {
                foreach (HubSetting part in parts.Where(part => values.List(part) is not null))
                    errors.Add($"{part.Key}: it needs {HubSettings.OidcIssuer.Key}");
                return null;
            }
            if (issuer.Scheme != "https" && !issuer.IsLoopback)
                Wrong(HubSettings.OidcIssuer, issuer.OriginalString, "https is expected");
            if (NotEmpty(HubSettings.OidcClientId) is not { } client)
            {
                errors.Add($"{HubSettings.OidcClientId.Key}: it is needed with {HubSettings.OidcIssuer.Key}");
                return null;
            }
            return new OidcSettings
            {
                // To the letter: tokens name it as the provider writes it, with or without a slash at the end.
                Issuer = values.Text(HubSettings.OidcIssuer)!,
                ClientId = client,
                ClientSecret = Secret(HubSettings.OidcClientSecretFile),
                Name = NotEmpty(HubSettings.OidcName) ?? issuer.Host,
                Scopes = values.List(HubSettings.OidcScopes) ?? OidcSettings.DefaultScopes,
                MakesAccounts = values.Flag(HubSettings.OidcSignUp),
            };
        }

        // Its lines are told when it is read: one that is wrong keeps out nobody else.
        public string? Htpasswd()
        {
            if (NotEmpty(HubSettings.Htpasswd) is not { } file)
                return null;
            try
            {
                HtpasswdText.Load(file);
            }
            catch (FaultException fault)
            {
                errors.Add($"{HubSettings.Htpasswd.Key}: {fault.Message}");
            }
            return Path.GetFullPath(file);
        }

        public LogLevel Level()
        {
            string text = values.Text(HubSettings.LogLevel) ?? "information";
            LogLevel? level = text switch
            {
                "debug" => Microsoft.Extensions.Logging.LogLevel.Debug,
                "information" or "info" => Microsoft.Extensions.Logging.LogLevel.Information,
                "warning" => Microsoft.Extensions.Logging.LogLevel.Warning,
                "error" => Microsoft.Extensions.Logging.LogLevel.Error,
                _ => null,
            };
            if (level is null)
                Wrong(HubSettings.LogLevel, text, "debug, information (info), warning or error is expected");
            return level ?? Microsoft.Extensions.Logging.LogLevel.Information;
        }

        public bool IsJson()
        {
            string text = values.Text(HubSettings.LogFormat) ?? "text";
            if (text is not ("text" or "json"))
                Wrong(HubSettings.LogFormat, text, "text or json is expected");
            return text == "json";
        }

        private string? Secret(HubSetting setting)
        {
            if (NotEmpty(setting) is not { } file)
                return null;
            try
            {
                return File.ReadAllText(file).Trim();
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                Wrong(setting, file, failure.Message);
                return null;
            }
        }
    }
}
