namespace Berth.Hub.Tests.Robustness;

/// <summary>A load balancer without memory: each request goes to the next hub in turn.</summary>
internal sealed class AlternatingHandler(params Uri[] hubs) : DelegatingHandler(new SocketsHttpHandler { AllowAutoRedirect = false })
{
    private int _requests;

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Uri hub = hubs[(int)((uint)Interlocked.Increment(ref _requests) % hubs.Length)];
        request.RequestUri = new Uri(hub, request.RequestUri!.PathAndQuery);
        request.Headers.Host = null;
        return base.SendAsync(request, cancellationToken);
    }
}
