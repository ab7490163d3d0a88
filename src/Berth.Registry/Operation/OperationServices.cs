using Berth.Registry.Accounts;
using Berth.Registry.Database;
using Berth.Registry.Operation.Limits;
using Berth.Registry.Operation.Metrics;
using Berth.Registry.Operation.Serving;
using Berth.Registry.Operation.Webhooks;
using Berth.Registry.Repositories;
using Berth.Registry.Storage;
using Microsoft.Extensions.Logging;

namespace Berth.Registry.Operation;

/// <summary>All that keeps a hub running and watched, made once and reached through <see cref="Hosting.HubServices"/>.</summary>
public sealed record OperationServices : IDisposable
{
    /// <summary>Puts the parts together.</summary>
    /// <exception cref="FaultException">InvalidArgument: a setting is wrong.</exception>
    public OperationServices(
        HubDatabase database, IBlobStorage storage, AccountServices accounts, Hosting.HubOptions options, TimeProvider time,
        ILoggerFactory loggers)
    {
        ServingSettings settings = options.Serving;
        Settings = settings;
        Certificate = settings.Tls is { } files ? new TlsCertificate(files, time, loggers.CreateLogger<TlsCertificate>()) : null;
        Hosts = new WebhookHosts(settings.WebhookHosts);
        Webhooks = new WebhookService(database, accounts.Seals, Hosts, accounts.Audit, time);
        Quotas = new QuotaService(database, accounts.Audit);
        Queue = new WebhookQueue(database, accounts.Seals, time);
        Counters = new HubCounters();
        Health = new HubHealth(database, storage, options.DataDirectory);
        Limits = new RequestLimits(settings.Rates, accounts.Callers, time);
        var metrics = new HubMetrics(database, Counters, accounts.SignIn, Limits);
        Door = new FrontDoor(settings, options.AnonymousPush, accounts, Limits, Counters, Health, metrics, time,
            loggers.CreateLogger<FrontDoor>());
    }

    /// <summary>How the hub is reached and watched.</summary>
    public ServingSettings Settings { get; }

    /// <summary>The certificate; null for plain HTTP.</summary>
    public TlsCertificate? Certificate { get; }

    /// <summary>Where webhooks may be sent.</summary>
    public WebhookHosts Hosts { get; }

    /// <summary>Webhooks.</summary>
    public WebhookService Webhooks { get; }

    /// <summary>How much everybody may hold.</summary>
    public QuotaService Quotas { get; }

    /// <summary>What webhooks still have to be told.</summary>
    public WebhookQueue Queue { get; }

    /// <summary>What is counted.</summary>
    public HubCounters Counters { get; }

    /// <summary>Whether the hub can do its work.</summary>
    public HubHealth Health { get; }

    /// <summary>Limits on requests.</summary>
    public RequestLimits Limits { get; }

    /// <summary>What every request passes first.</summary>
    public FrontDoor Door { get; }

    /// <inheritdoc/>
    public void Dispose() => Certificate?.Dispose();
}
