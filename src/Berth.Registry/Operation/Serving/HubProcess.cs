using Berth.Registry.Audit;
using Berth.Registry.Cache;
using Berth.Registry.Hosting;
using Berth.Registry.Model;
using Berth.Registry.Operation.Webhooks;
using Berth.Registry.Tokens;
using Microsoft.Extensions.Logging;

namespace Berth.Registry.Operation.Serving;

/// <summary>A hub that serves: its listeners and what works beside them.</summary>
public sealed class HubProcess : IAsyncDisposable
{
    private readonly HubServices _services;
    private readonly AdministrationServer? _administration;
    private readonly WebhookSender _sender;

    private HubProcess(HubServices services, HubServer server, AdministrationServer? administration, WebhookSender sender) =>
        (_services, Server, _administration, _sender) = (services, server, administration, sender);

    /// <summary>What clients reach.</summary>
    public HubServer Server { get; }

    /// <summary>Where metrics are served without an account; null: nowhere.</summary>
    public Uri? AdministrationAddress => _administration?.Address;

    /// <summary>Listens and begins to work.</summary>
    /// <exception cref="FaultException">Unavailable: an address cannot be listened on. Conflict: an upstream has an account's
    /// name.</exception>
    public static async Task<HubProcess> StartAsync(HubServices services, CancellationToken cancellationToken)
    {
        await CachedRepositories.FollowAsync(services.Database, services.Options.Upstreams, cancellationToken);
        OperationServices operation = services.Operation;
        AdministrationServer? administration = operation.Settings.AdministrationListen is { } address
            ? await AdministrationServer.StartAsync(address, operation.Door, services.Loggers, cancellationToken) : null;
        try
        {
            HubServer server = await HubServer.StartAsync(services, cancellationToken);
            var sender = new WebhookSender(
                operation.Queue, operation.Hosts, services.Time, services.Loggers.CreateLogger<WebhookSender>());
            return new HubProcess(services, server, administration, sender);
        }
        catch
        {
            if (administration is not null)
                await administration.DisposeAsync();
            throw;
        }
    }

    /// <summary>The path with a one-time secret by which the first administrator is made; null when there is one already.</summary>
    public async Task<string?> SetUpPathAsync(CancellationToken cancellationToken)
    {
        if (_services.Options.AnonymousPush || await _services.Accounts.Users.HasAdministratorAsync(cancellationToken))
            return null;
        string secret = await _services.Accounts.Secrets.InviteAsync(
            new Caller { Name = AuditLog.CommandLine }, SecretKind.Setup, "", cancellationToken);
        return $"/setup?token={secret}";
    }

    /// <summary>Reads again what can be read again while it serves: the files of the TLS certificate.</summary>
    public void Refresh() => _services.Operation.Certificate?.Refresh();

    /// <summary>Says that it stops, then stops: running requests get a little time.</summary>
    public async ValueTask DisposeAsync()
    {
        _services.Operation.Health.IsStopping = true;
        await Server.DisposeAsync();
        await _sender.DisposeAsync();
        if (_administration is not null)
            await _administration.DisposeAsync();
    }
}
