using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Berth.Registry.Model;

namespace Berth.Registry.Cache;

/// <summary>One upstream registry: asks it, signs in where it is told to and that is allowed, and remembers its limits.</summary>
public sealed class Upstream
{
    private const string DockerHub = "registry-1.docker.io";
    private const int TokenBytesMax = 64 * 1024;

    // Names are made up by whoever asks.
    private const int AuthorizationsMax = 10_000;
    private const int PausesMax = 10_000;

    // Who has just not answered is not waited for again by every request.
    private static readonly TimeSpan s_awayTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_limitTime = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_limitTimeMax = TimeSpan.FromHours(6);
    private static readonly TimeSpan s_answerTime = TimeSpan.FromSeconds(30);
    private static readonly Uri s_dockerHubTokens = new("https://auth.docker.io/token");

    private readonly UpstreamOptions _options;
    private readonly HttpClient _client;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, (AuthenticationHeaderValue Value, DateTimeOffset Until)> _authorizations = new();

    // Repositories that fail alone, by their names there: whoever asks for one must not keep the others off.
    private readonly ConcurrentDictionary<string, (string Problem, DateTimeOffset Until)> _pauses = new();

    private readonly Lock _gate = new();

    internal Upstream(UpstreamOptions options, HttpClient client, TimeProvider time)
    {
        (_options, _client, _time) = (options, client, time);
        State = new UpstreamState { Prefix = options.Prefix, Address = options.Address };
    }

    /// <summary>What is known about it now.</summary>
    public UpstreamState State { get; private set; } // Changed under _gate.

    internal UpstreamOptions Options => _options;

    /// <summary>Its name for a repository of this hub, which begins with the prefix.</summary>
    internal string NameOf(RepositoryName repository)
    {
        string name = repository.Value[(_options.Prefix.Length + 1)..];
        // What docker calls "debian" is "library/debian" there.
        return _options.Address.Host == DockerHub && !name.Contains('/', StringComparison.Ordinal) ? "library/" + name : name;
    }

    /// <summary>Asks for something of a repository. The answer's status is any but those of limits and of failures.</summary>
    /// <remarks>Where the registry does not answer at all or limits us, it is left alone for a while; what fails for one repository
    /// leaves that one alone.</remarks>
    /// <exception cref="FaultException">Unavailable: it does not answer, limits us, or wants credentials sent to a stranger.</exception>
    internal async Task<HttpResponseMessage> AskAsync(
        HttpMethod method, string name, string path, IEnumerable<string> accept, CancellationToken cancellationToken)
    {
        RefuseWhilePaused(name);
        try
        {
            // To the headers; a body comes as quickly as it comes.
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            patience.CancelAfter(s_answerTime);
            HttpResponseMessage response = await SendAsync(method, name, path, accept, patience.Token).ConfigureAwait(false);
            if (response.StatusCode == HttpStatusCode.Unauthorized
                && await TryAuthorizeAsync(name, response, patience.Token).ConfigureAwait(false))
            {
                response.Dispose();
                response = await SendAsync(method, name, path, accept, patience.Token).ConfigureAwait(false);
            }
            return Note(name, response);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException
            && !cancellationToken.IsCancellationRequested)
        {
            throw Away(exception.Message, s_awayTime, exception);
        }
    }

    /// <summary>The fault of an answer that is of no use. The next one may be.</summary>
    internal FaultException Failed(string problem, Exception? cause = null)
    {
        lock (_gate)
            State = State with { Problem = problem };
        return FaultException.Unavailable($"pull through {_options.Prefix}: {problem}", cause);
    }

    // The registry fails as a whole: none of its repositories is asked for until then.
    private FaultException Away(string problem, TimeSpan pause, Exception? cause = null)
    {
        DateTimeOffset until = _time.GetUtcNow() + pause;
        lock (_gate)
            State = State with { PausedUntil = State.PausedUntil > until ? State.PausedUntil : until };
        return Failed(problem, cause);
    }

    // It fails for one repository, and may do so for that one alone.
    private FaultException AwayFor(string name, string problem, Exception? cause = null)
    {
        if (_pauses.Count >= PausesMax)
            _pauses.Clear();
        _pauses[name] = (problem, _time.GetUtcNow() + s_awayTime);
        return Failed(problem, cause);
    }

    private void RefuseWhilePaused(string name)
    {
        (string? problem, DateTimeOffset until) = State.PausedUntil is { } all && all > _time.GetUtcNow()
            ? (State.Problem, all)
            : _pauses.GetValueOrDefault(name);
        if (until > _time.GetUtcNow())
            throw FaultException.Unavailable($"pull through {_options.Prefix}: {problem}: asked again at {until:HH:mm:ss} UTC");
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string name, string path, IEnumerable<string> accept, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, new Uri(_options.Address, $"/v2/{name}/{path}"));
        foreach (string type in accept)
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(type));
        if (_authorizations.TryGetValue(name, out (AuthenticationHeaderValue Value, DateTimeOffset Until) known)
            && known.Until > _time.GetUtcNow())
            request.Headers.Authorization = known.Value;
        return await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
    }

    private HttpResponseMessage Note(string name, HttpResponseMessage response)
    {
        lock (_gate)
        {
            State = State with
            {
                AnsweredAt = _time.GetUtcNow(), Problem = null, PausedUntil = null,
                Limit = Figure(response, "RateLimit-Limit") ?? State.Limit,
                Remaining = Figure(response, "RateLimit-Remaining") ?? State.Remaining,
            };
        }
        int status = (int)response.StatusCode;
        // 501 says that the method is not offered, and nothing about the next request.
        if (status is (< 500 or (int)HttpStatusCode.NotImplemented) and not (int)HttpStatusCode.TooManyRequests)
        {
            _pauses.TryRemove(name, out _);
            return response;
        }
        using (response)
        {
            throw status == (int)HttpStatusCode.TooManyRequests
                ? Limited(response)
                : AwayFor(name, $"it answers with {status}");
        }
    }

    private FaultException Limited(HttpResponseMessage response)
    {
        TimeSpan wait = response.Headers.RetryAfter?.Delta ?? s_limitTime;
        return Away("its rate limit is reached", wait > s_limitTimeMax ? s_limitTimeMax : wait);
    }

    // "100;w=21600": a hundred in six hours.
    private static long? Figure(HttpResponseMessage response, string header) =>
        response.Headers.TryGetValues(header, out IEnumerable<string>? values)
            && long.TryParse(values.First().Split(';')[0], NumberStyles.None, CultureInfo.InvariantCulture, out long figure)
            ? figure
            : null;

    private async Task<bool> TryAuthorizeAsync(string name, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        foreach (string header in response.Headers.WwwAuthenticate.Select(value => value.ToString()))
        {
            if (AuthenticationChallenge.Parse(header) is not { } challenge)
                continue;
            if (challenge.Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase) && Basic() is { } basic)
            {
                Remember(name, (basic, DateTimeOffset.MaxValue));
                return true;
            }
            if (challenge.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase))
            {
                if (await TokenAsync(name, challenge, cancellationToken).ConfigureAwait(false) is not { } token)
                    return false;
                Remember(name, token);
                return true;
            }
        }
        return false;
    }

    private void Remember(string name, (AuthenticationHeaderValue, DateTimeOffset) authorization)
    {
        if (_authorizations.Count >= AuthorizationsMax)
            _authorizations.Clear();
        _authorizations[name] = authorization;
    }

    // Null: we may not have one for this repository, which then is as one that the registry itself refuses.
    private async Task<(AuthenticationHeaderValue, DateTimeOffset)?> TokenAsync(
        string name, AuthenticationChallenge challenge, CancellationToken cancellationToken)
    {
        Uri realm = AllowedRealm(name, challenge);
        string service = challenge.Parameters.GetValueOrDefault("service", "");
        // The scope is ours: what the registry would like us to ask for is not taken over.
        var builder = new UriBuilder(realm)
        {
            Query = $"service={Uri.EscapeDataString(service)}&scope={Uri.EscapeDataString($"repository:{name}:pull")}",
        };
        using var request = new HttpRequestMessage(HttpMethod.Get, builder.Uri);
        request.Headers.Authorization = Basic();
        using HttpResponseMessage response = await _client.SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.TooManyRequests)
            throw Limited(response);
        // What was pulled with credentials that are no longer good is not gone: it is passed on as while the registry is away.
        if (response.StatusCode == HttpStatusCode.Unauthorized && _options.UserName is not null)
            throw Failed($"it gives no token: it does not accept the password of {_options.UserName}");
        if ((int)response.StatusCode is >= 400 and < 500)
            return null;
        if (!response.IsSuccessStatusCode)
            throw AwayFor(name, $"it gives no token: {(int)response.StatusCode}");
        byte[] body = await ReadAsync(response, TokenBytesMax, cancellationToken).ConfigureAwait(false);
        return ReadToken(name, body);
    }

    /// <summary>Where credentials may go: the registry's own host, or the place that the configuration names.</summary>
    private Uri AllowedRealm(string name, AuthenticationChallenge challenge)
    {
        Uri? own = _options.TokenAddress ?? (_options.Address.Host == DockerHub ? s_dockerHubTokens : null);
        if (Uri.TryCreate(challenge.Parameters.GetValueOrDefault("realm", ""), UriKind.Absolute, out Uri? realm)
            && (IsSameOrigin(realm, _options.Address)
                || own is not null && IsSameOrigin(realm, own) && realm.AbsolutePath == own.AbsolutePath))
            return realm;
        throw AwayFor(name, "it sends for tokens to a place that is not its own, which is not followed");
    }

    private static bool IsSameOrigin(Uri one, Uri other) =>
        one.Scheme == other.Scheme && one.Port == other.Port && one.Host.Equals(other.Host, StringComparison.OrdinalIgnoreCase)
        && one.UserInfo.Length == 0;

    private (AuthenticationHeaderValue, DateTimeOffset) ReadToken(string name, byte[] body)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            JsonElement root = document.RootElement;
            string? token = Text(root, "token") ?? Text(root, "access_token");
            // RFC 6749 and docker's token specification: sixty seconds where nothing is said. Some are kept for the way.
            double seconds = root.TryGetProperty("expires_in", out JsonElement expires) && expires.TryGetDouble(out double said)
                ? said
                : 60;
            if (token is { Length: > 0 })
                return (new AuthenticationHeaderValue("Bearer", token), _time.GetUtcNow().AddSeconds(Math.Clamp(seconds, 0, 86400) * 0.8));
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            throw AwayFor(name, "its token is not one", exception);
        }
        throw AwayFor(name, "its token is not one");
    }

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private AuthenticationHeaderValue? Basic() => _options.UserName is { } name
        ? new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{_options.Password}")))
        : null;

    /// <summary>A body of bounded size.</summary>
    /// <exception cref="FaultException">Unavailable: it is larger.</exception>
    internal async Task<byte[]> ReadAsync(HttpResponseMessage response, int bytesMax, CancellationToken cancellationToken)
    {
        await using Stream body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        using var content = new MemoryStream();
        byte[] buffer = new byte[16 * 1024];
        while (await body.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is > 0 and int count)
        {
            content.Write(buffer, 0, count);
            if (content.Length > bytesMax)
                throw Failed("its answer is too large");
        }
        return content.ToArray();
    }
}
