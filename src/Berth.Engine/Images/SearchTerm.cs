using Berth.Faults;
using Berth.Oci.References;

namespace Berth.Engine;

/// <summary>What to search for, and where: <c>nginx</c> at Docker Hub, <c>localhost:5000/nginx</c> at that registry.</summary>
/// <param name="Registry">The registry.</param>
/// <param name="Words">What is searched for there.</param>
public sealed record SearchTerm(string Registry, string Words)
{
    /// <summary>Reads a term by docker's rule: the first part is a registry when it could not be a name.</summary>
    /// <exception cref="FaultException">InvalidArgument: it is empty or an address.</exception>
    public static SearchTerm Parse(string text)
    {
        if (text.Length == 0)
            throw FaultException.Invalid("invalid search term: it is empty");
        if (text.Contains("://", StringComparison.Ordinal))
            throw FaultException.Invalid($"invalid repository name: repository name ({text}) should not have a scheme");
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        string first = slash < 0 ? "" : text[..slash];
        if (first != "localhost" && !first.AsSpan().ContainsAny('.', ':'))
            return new SearchTerm(ImageReference.DefaultDomain, text.StartsWith("library/", StringComparison.Ordinal) ? text[8..] : text);
        return new SearchTerm(first is "docker.io" or "index.docker.io" ? ImageReference.DefaultDomain : first, text[(slash + 1)..]);
    }
}
