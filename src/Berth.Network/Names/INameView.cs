using System.Net;

namespace Berth.Network;

/// <summary>What a name server may ask about the container that it serves.</summary>
internal interface INameView
{
    /// <summary>The addresses behind a name on the container's networks, of both families; null: nobody there is called so.</summary>
    IReadOnlyList<InternetAddress>? Resolve(string name);

    /// <summary>Who has an address on the container's networks; null: nobody.</summary>
    string? NameOf(InternetAddress address);

    /// <summary>Who is asked about foreign names; null: nobody may be.</summary>
    IReadOnlyList<IPAddress>? Upstream();
}
