using System.Net;
using Berth.Registry.Operation.Limits;

namespace Berth.Registry.Operation.Serving;

/// <summary>How a hub is reached and watched.</summary>
public sealed record ServingSettings
{
    /// <summary>The certificate; null: plain HTTP, for loopback and behind a proxy.</summary>
    public TlsFiles? Tls { get; init; }

    /// <summary>Whose <c>X-Forwarded-…</c> headers are believed; nobody's if empty.</summary>
    public IReadOnlyList<IPNetwork> TrustedProxies { get; init; } = [];

    /// <summary>Serves <c>/metrics</c>, <c>/health</c> and <c>/ready</c> to whoever reaches it; null: administrators alone read
    /// <c>/metrics</c>.</summary>
    public IPEndPoint? AdministrationListen { get; init; }

    /// <summary>Limits on requests.</summary>
    public RateSettings Rates { get; init; } = new();

    /// <summary>Where webhooks may be sent; nowhere if empty.</summary>
    public IReadOnlyList<string> WebhookHosts { get; init; } = [];
}
