namespace Berth.Daemon.Http;

/// <summary>The version in front of a path.</summary>
internal static class ApiPath
{
    /// <summary>Takes <c>/v1.50</c> off the front; the newest version when there is none.</summary>
    /// <exception cref="FaultException">InvalidArgument, in Docker's words: too old or too new.</exception>
    public static Wire.ApiVersion TakeVersion(ref string path)
    {
        if (!path.StartsWith("/v", StringComparison.Ordinal))
            return Wire.ApiVersion.Newest;
        int end = path.IndexOf('/', 1);
        ReadOnlySpan<char> text = path.AsSpan(2, (end < 0 ? path.Length : end) - 2);
        if (!Wire.ApiVersion.TryParse(text, out Wire.ApiVersion version))
            return Wire.ApiVersion.Newest;
        if (version < Wire.ApiVersion.Oldest)
            throw FaultException.Invalid(
                $"client version {version} is too old. Minimum supported API version is {Wire.ApiVersion.Oldest}, "
                + "please upgrade your client to a newer version");
        if (version > Wire.ApiVersion.Newest)
            throw FaultException.Invalid(
                $"client version {version} is too new. Maximum supported API version is {Wire.ApiVersion.Newest}");
        path = end < 0 ? "/" : path[end..];
        return version;
    }
}
