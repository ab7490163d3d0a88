using Berth.Faults;

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

    /// <summary>Reads it from the headers of the request that opens the session.</summary>
    /// <param name="headers">The values of a header by its name in lower case.</param>
    /// <exception cref="FaultException">InvalidArgument: there is no ID, or one that is too long.</exception>
    public static SessionOffer Read(Func<string, IEnumerable<string?>> headers)
    {
        string id = headers("x-docker-expose-session-uuid").FirstOrDefault() ?? "";
        if (id.Length is 0 or > IdLengthMax)
            throw FaultException.Invalid($"X-Docker-Expose-Session-Uuid: an ID of 1 to {IdLengthMax} characters is expected");
        // Some HTTP clients send a header once with all its values.
        IEnumerable<string> methods = headers("x-docker-expose-session-grpc-method").OfType<string>()
            .SelectMany(value => value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        return new SessionOffer(id, methods.Take(MethodsMax).ToHashSet(StringComparer.Ordinal))
        {
            SharedKey = headers("x-docker-expose-session-sharedkey").FirstOrDefault() ?? "",
        };
    }
}
