using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Protocol.Lists;

/// <summary>Which part of a list is asked for: <c>n</c> entries after <c>last</c>.</summary>
internal readonly record struct PageRequest(int Count, string After)
{
    /// <summary>The most entries of one answer, also where more are asked for.</summary>
    public const int CountMax = 10_000;

    // Longer than any name, and nothing to keep for a stranger.
    private const int AfterLengthMax = 300;

    /// <exception cref="RegistryException">UNSUPPORTED with 400: not a number, or a negative one.</exception>
    public static PageRequest Of(RegistryCall call)
    {
        string after = call.Query("last") ?? "";
        if (after.Length > AfterLengthMax || after.Contains('\0', StringComparison.Ordinal))
            throw new RegistryException(RegistryCode.UNSUPPORTED, StatusCodes.Status400BadRequest, "last is not a name of the list");
        string? count = call.Query("n");
        if (count is null)
            return new PageRequest(CountMax, after);
        if (count.Length == 0 || count.AsSpan().ContainsAnyExceptInRange('0', '9'))
            throw new RegistryException(RegistryCode.UNSUPPORTED, StatusCodes.Status400BadRequest, "n is not a number of entries");
        // More digits than a number has are more than the most.
        return int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? new PageRequest(Math.Min(number, CountMax), after)
            : new PageRequest(CountMax, after);
    }

    /// <summary>Says where the list goes on: RFC 5988, relative to this hub under whatever name the client knows it.</summary>
    public void Link(RegistryCall call, string last, string more = "") => call.Response.Headers.Link =
        $"<{call.Request.Path.ToUriComponent()}?n={Count}&last={Uri.EscapeDataString(last)}{more}>; rel=\"next\"";
}
