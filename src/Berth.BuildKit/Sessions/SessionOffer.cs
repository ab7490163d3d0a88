namespace Berth.BuildKit.Sessions;

/// <summary>What a client says of the session it opens.</summary>
/// <param name="Id">Its own choice, which its build names.</param>
/// <param name="Methods">The calls it answers, as <c>/service/method</c>.</param>
public sealed record SessionOffer(string Id, IReadOnlySet<string> Methods)
{
    /// <summary>The client's name for the directory that it builds from, the same each time; empty: it has none.</summary>
    public string SharedKey { get; init; } = "";

    /// <summary>The longest ID that is taken.</summary>
    public const int IdLengthMax = 128;

    /// <summary>How many methods are remembered; a client has about a dozen.</summary>
    public const int MethodsMax = 256;
}
