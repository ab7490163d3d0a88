using System.Net;
using Berth.Builder.Files;
using Berth.Faults;

namespace Berth.Builder;

/// <summary>Archives on web servers, for imports. As for ADD, link-local addresses, where clouds keep credentials, are refused.</summary>
public static class RemoteArchives
{
    private static readonly HttpClient s_http = UrlFetcher.CreateClient();

    /// <summary>Asks for an archive; its bytes come as they are read, and the result ends the transfer when it is disposed.</summary>
    /// <exception cref="FaultException">NotFound, Forbidden, Unauthorized, InvalidArgument: what the server said, in Docker's words, or no
    /// address of one. Unavailable: it cannot be reached.</exception>
    public static async Task<Stream> OpenAsync(string url, CancellationToken cancellationToken)
    {
        string shown = UrlText.Redact(url);
        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? address) || address.Scheme is not ("http" or "https"))
            throw FaultException.Invalid($"import {shown}: it is no address of a web server");
        try
        {
            HttpResponseMessage answer =
                await s_http.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            if (answer.IsSuccessStatusCode)
                return await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            using (answer)
                throw new FaultException(KindOf(answer.StatusCode),
                    $"failed to GET {shown} with status {(int)answer.StatusCode} {answer.ReasonPhrase}");
        }
        catch (HttpRequestException failure)
        {
            throw FaultException.Unavailable($"import {shown}: {failure.Message}", failure);
        }
    }

    /// <summary>An address without user and password, for what is kept.</summary>
    public static string Shown(string url) => UrlText.Redact(url);

    private static FaultKind KindOf(HttpStatusCode status) => status switch
    {
        HttpStatusCode.NotFound => FaultKind.NotFound,
        HttpStatusCode.BadRequest => FaultKind.InvalidArgument,
        HttpStatusCode.Unauthorized => FaultKind.Unauthorized,
        HttpStatusCode.Forbidden => FaultKind.Forbidden,
        _ => FaultKind.Unavailable,
    };
}
