using System.Net;
using System.Net.Http.Headers;
using Berth.Faults;

namespace Berth.Distribution;

/// <summary>
/// A conversation with one endpoint on behalf of one user about some scopes. Answers challenges and follows redirects;
/// credentials never leave the endpoint's own origin and its token service. Safe for concurrent use.
/// </summary>
internal sealed class RegistrySession
{
    private const int RedirectsMax = 10;

    // The first answer may be a token that was kept, which the registry does not take any more: then a fresh one is tried.
    private const int AnswersMax = 2;

    private readonly RegistryContext _context;
    private readonly TokenService _tokens;
    private readonly RegistryCredentials? _credentials;
    private readonly IReadOnlyList<string> _scopes;
    private readonly bool _insecure;
    private volatile AuthenticationHeaderValue? _authorization;

    private RegistrySession(
        RegistryContext context, Uri address, bool insecure, RegistryCredentials? credentials, IReadOnlyList<string> scopes)
    {
        (_context, Base, _insecure, _credentials, _scopes) = (context, address, insecure, credentials, scopes);
        _tokens = new TokenService(context);
    }

    /// <summary>The endpoint with the scheme it turned out to speak, ending in a slash.</summary>
    public Uri Base { get; }

    public RegistryContext Context => _context;

    /// <summary>Opens a conversation, finding out whether a host that may speak plain HTTP does.</summary>
    /// <exception cref="RegistryException">Unavailable: not reached.</exception>
    public static async Task<RegistrySession> OpenAsync(
        RegistryContext context, RegistryEndpoint endpoint, RegistryCredentials? credentials, IReadOnlyList<string> scopes,
        CancellationToken cancellationToken)
    {
        RegistryCredentials? usable = endpoint.IsMirror || credentials is null or { IsAnonymous: true } ? null : credentials;
        bool insecure = await context.Policy.AllowsInsecureAsync(endpoint.Base, cancellationToken);
        Uri address = insecure && !endpoint.IsSchemeFixed
            ? await FindSchemeAsync(context, endpoint.Base, cancellationToken) : endpoint.Base;
        return new RegistrySession(context, address, insecure, usable, scopes);
    }

    /// <summary>An address below <c>/v2/</c>.</summary>
    public Uri Address(string path) => new(Base, "v2/" + path);

    /// <summary>Sends a request, with credentials when the registry asks for them. The request is made anew for each try.</summary>
    /// <param name="make">Makes the request, whose address is at the endpoint or an upload location it gave.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="RegistryException">Not reached, or the credentials were refused.</exception>
    public async Task<HttpResponseMessage> SendAsync(Func<HttpRequestMessage> make, CancellationToken cancellationToken)
    {
        AuthenticationHeaderValue? used = _authorization;
        for (int answers = 0; ; answers++)
        {
            HttpResponseMessage response = await SendOnceAsync(make, used, cancellationToken);
            if (response.StatusCode != HttpStatusCode.Unauthorized || answers == AnswersMax)
                return response;
            if (await AnswerAsync(response, used, offline: false, cancellationToken) is not { } answer)
                return response;
            response.Dispose();
            _authorization = used = answer;
        }
    }

    /// <summary>Proves who the user is; returns the refresh token if there is one.</summary>
    public async Task<string> LoginAsync(CancellationToken cancellationToken)
    {
        Uri ping = Address("");
        HttpRequestMessage Make() => new(HttpMethod.Get, ping);
        using HttpResponseMessage first = await SendOnceAsync(Make, null, cancellationToken);
        if (first.StatusCode == HttpStatusCode.OK)
            return "";
        if (first.StatusCode != HttpStatusCode.Unauthorized)
            throw await RegistryErrors.ReadAsync(first, cancellationToken);
        AuthChallenge? bearer = AuthChallenge.Of(first).FirstOrDefault(challenge => challenge.IsBearer);
        string refresh = "";
        AuthenticationHeaderValue? answer;
        if (bearer is not null && _credentials is { RegistryToken.Length: 0 })
        {
            (string token, refresh) = await _tokens.FetchAsync(Base, bearer, _scopes, _credentials, offline: true, cancellationToken);
            answer = new AuthenticationHeaderValue("Bearer", token);
        }
        else
        {
            answer = await AnswerAsync(first, null, offline: true, cancellationToken);
        }
        using HttpResponseMessage second = await SendOnceAsync(Make, answer, cancellationToken);
        if (second.StatusCode == HttpStatusCode.OK)
            return refresh;
        if (second.StatusCode != HttpStatusCode.Unauthorized)
            throw await RegistryErrors.ReadAsync(second, cancellationToken);
        throw new RegistryException(
            FaultKind.Unauthorized,
            $"login attempt to {RegistryException.Clean(ping)} failed with status: 401 Unauthorized: "
                + "unauthorized: incorrect username or password");
    }

    private async Task<AuthenticationHeaderValue?> AnswerAsync(
        HttpResponseMessage response, AuthenticationHeaderValue? refused, bool offline, CancellationToken cancellationToken)
    {
        IReadOnlyList<AuthChallenge> challenges = AuthChallenge.Of(response);
        Uri uri = response.RequestMessage!.RequestUri!;
        // Only the registry itself may ask; where a redirect led to may not.
        if (!IsOwn(uri))
            return null;
        if (_credentials is { RegistryToken.Length: > 0 })
            return refused is null ? new AuthenticationHeaderValue("Bearer", _credentials.RegistryToken) : null;
        if (challenges.FirstOrDefault(challenge => challenge.IsBearer) is { } bearer)
        {
            if (refused is not null && Uri.TryCreate(bearer.Parameter("realm"), UriKind.Absolute, out Uri? realm))
                _tokens.Forget(realm, bearer.Parameter("service"), _scopes, _credentials);
            (string token, _) = await _tokens.FetchAsync(Base, bearer, _scopes, _credentials, offline, cancellationToken);
            return refused?.Parameter == token ? null : new AuthenticationHeaderValue("Bearer", token);
        }
        if (challenges.FirstOrDefault(challenge => challenge.IsBasic) is null)
            return null;
        if (_credentials is not { Username.Length: > 0 })
        {
            throw new RegistryException(
                FaultKind.Unauthorized, $"{RegistryException.Attempt(response.RequestMessage.Method, uri)}: no basic auth credentials")
            {
                Code = "UNAUTHORIZED",
            };
        }
        return refused is null ? TokenService.Basic(_credentials) : null;
    }

    private async Task<HttpResponseMessage> SendOnceAsync(
        Func<HttpRequestMessage> make, AuthenticationHeaderValue? authorization, CancellationToken cancellationToken)
    {
        HttpRequestMessage request = make();
        for (int redirects = 0; ; redirects++)
        {
            Uri uri = request.RequestUri!;
            if (IsOwn(uri))
                request.Headers.Authorization = authorization;
            bool insecure = IsOwn(uri) ? _insecure : await _context.Policy.AllowsInsecureAsync(uri, cancellationToken);
            HttpResponseMessage response = await TransmitAsync(request, insecure, cancellationToken);
            bool mayFollow = request.Method == HttpMethod.Get || request.Method == HttpMethod.Head;
            if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308) || !mayFollow)
                return response;
            Uri? location = response.Headers.Location;
            response.Dispose();
            if (redirects >= RedirectsMax)
                throw new RegistryException(
                    FaultKind.Unavailable,
                    $"{RegistryException.Attempt(request.Method, uri)}: stopped after {RedirectsMax} redirects");
            request = Redirected(make, uri, location);
        }
    }

    private async Task<HttpResponseMessage> TransmitAsync(
        HttpRequestMessage request, bool insecure, CancellationToken cancellationToken)
    {
        try
        {
            return await _context.Transport.SendAsync(request, insecure, cancellationToken);
        }
        catch (RegistryException exception) when (exception.IsUnreachable)
        {
            // The next conversation finds out anew whether TLS is spoken.
            _context.KnownBases.TryRemove(Base.Authority, out _);
            throw;
        }
    }

    private HttpRequestMessage Redirected(Func<HttpRequestMessage> make, Uri from, Uri? location)
    {
        HttpRequestMessage next = make();
        if (location is null || !Uri.TryCreate(from, location, out Uri? target) || target.Scheme is not ("https" or "http")
            || target.UserInfo.Length > 0)
            throw new RegistryException(
                FaultKind.Unavailable,
                $"{RegistryException.Attempt(next.Method, from)}: redirected to no usable address");
        if (from.Scheme == "https" && target.Scheme == "http" && !HostPolicy.IsLoopback(Base.Host))
            throw new RegistryException(
                FaultKind.Unavailable,
                $"{RegistryException.Attempt(next.Method, from)}: redirected from https to http");
        next.RequestUri = target;
        return next;
    }

    private bool IsOwn(Uri uri) => uri.Scheme == Base.Scheme && uri.Port == Base.Port
        && uri.Host.Equals(Base.Host, StringComparison.OrdinalIgnoreCase);

    private static async Task<Uri> FindSchemeAsync(RegistryContext context, Uri https, CancellationToken cancellationToken)
    {
        if (context.KnownBases.TryGetValue(https.Authority, out Uri? known))
            return known;
        Uri plain = new UriBuilder(https) { Scheme = "http", Port = https.IsDefaultPort ? 80 : https.Port }.Uri;
        Uri found = https;
        try
        {
            await PingAsync(context, https, cancellationToken);
        }
        catch (RegistryException exception) when (exception.IsUnreachable)
        {
            await PingAsync(context, plain, cancellationToken);
            found = plain;
        }
        context.KnownBases[https.Authority] = found;
        return found;
    }

    private static async Task PingAsync(RegistryContext context, Uri address, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, new Uri(address, "v2/"));
        using HttpResponseMessage response = await context.Transport.SendAsync(request, insecure: true, cancellationToken);
    }
}
