using System.Globalization;
using Berth.Registry.Model;
using Berth.Registry.Tokens;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Operation.Limits;

/// <summary>Counts requests by account or by address (IPv6: by /64), and tells in headers how many are left.</summary>
/// <remarks><c>RateLimit-Limit: 100;w=21600</c> and <c>RateLimit-Remaining: 76;w=21600</c> as Docker Hub writes them, so that
/// tools which show them work here too; <c>RateLimit-Reset</c> and, with 429, <c>Retry-After</c> in seconds. As there, HEAD of a manifest
/// tells the rest of the pulls and is none.</remarks>
public sealed class RequestLimits(RateSettings settings, ICallerReader callers, TimeProvider time)
{
    private readonly RateLimiter? _anonymousPulls = Make(settings.AnonymousPulls, time);
    private readonly RateLimiter? _accountPulls = Make(settings.AccountPulls, time);
    private readonly RateLimiter? _anonymousRequests = Make(settings.AnonymousRequests, time);
    private readonly RateLimiter? _accountRequests = Make(settings.AccountRequests, time);

    /// <summary>Requests that were refused since the process began.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    private long _refused;

    /// <summary>Counts a request; false when it is one too many and was answered.</summary>
    /// <exception cref="TooManyAttemptsException">The credentials may not be looked at now.</exception>
    public async ValueTask<bool> AdmitAsync(HttpContext context)
    {
        if (settings.IsEmpty)
            return true;
        Caller? caller = await callers.ReadAsync(context, context.RequestAborted);
        // Wrong credentials count as none: they must not be a way around the address's limit.
        bool isKnown = caller?.AccountId is not null;
        string key = isKnown ? caller!.AccountId!.Value.ToString(CultureInfo.InvariantCulture)
            : ClientNetwork.Of(CallerReader.AddressOf(context));
        bool isOfManifest = context.Request.Path.Value is { } path
            && path.StartsWith("/v2/", StringComparison.Ordinal) && path.Contains("/manifests/", StringComparison.Ordinal);
        RateLimiter? pulls = isOfManifest ? isKnown ? _accountPulls : _anonymousPulls : null;
        if (!Count(context, isKnown ? _accountRequests : _anonymousRequests, key, "requests"))
            return false;
        if (HttpMethods.IsGet(context.Request.Method))
            return Count(context, pulls, key, "pulls");
        if (pulls is not null && HttpMethods.IsHead(context.Request.Method))
            Tell(context, pulls, pulls.Look(key));
        return true;
    }

    private static RateLimiter? Make(Rate? rate, TimeProvider time) => rate is null ? null : new RateLimiter(rate.Count, rate.Window, time);

    private bool Count(HttpContext context, RateLimiter? limiter, string key, string what)
    {
        if (limiter is null)
            return true;
        RateAnswer answer = limiter.Count(key);
        Tell(context, limiter, answer);
        if (answer.IsAllowed)
            return true;
        context.Response.Headers.RetryAfter = Seconds(answer);
        Interlocked.Increment(ref _refused);
        context.Items[typeof(RequestLimits)] = what;
        return false;
    }

    private static void Tell(HttpContext context, RateLimiter limiter, RateAnswer answer)
    {
        IHeaderDictionary headers = context.Response.Headers;
        long window = (long)limiter.Window.TotalSeconds;
        headers["RateLimit-Limit"] = string.Create(CultureInfo.InvariantCulture, $"{answer.Limit};w={window}");
        headers["RateLimit-Remaining"] = string.Create(CultureInfo.InvariantCulture, $"{answer.Remaining};w={window}");
        headers["RateLimit-Reset"] = Seconds(answer);
    }

    private static string Seconds(RateAnswer answer) => Math.Ceiling(answer.Reset.TotalSeconds).ToString(CultureInfo.InvariantCulture);
}
