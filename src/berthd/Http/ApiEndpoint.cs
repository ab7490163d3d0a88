namespace Berth.Daemon.Http;

/// <summary>One line of the endpoint table: what is answered, since which version, by whom.</summary>
/// <param name="Method">The HTTP method.</param>
/// <param name="Pattern">The path without version: <c>{id}</c> stands for one segment, <c>{name*}</c> for one or more, so that
/// image names may have slashes.</param>
/// <param name="Handler">Answers, or throws a fault before anything is written.</param>
internal sealed record ApiEndpoint(string Method, string Pattern, Func<ApiCall, Task> Handler)
{
    /// <summary>It takes the connection away from HTTP.</summary>
    public bool Hijacks { get; init; }

    /// <summary>The oldest API version in which it exists.</summary>
    public Wire.ApiVersion Since { get; init; } = Wire.ApiVersion.Oldest;
}
