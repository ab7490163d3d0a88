namespace Berth.Registry.Tests.Hosting;

/// <summary>A hub as it is by default: SQLite and files.</summary>
public sealed class EmbeddedHub : HubRig;
