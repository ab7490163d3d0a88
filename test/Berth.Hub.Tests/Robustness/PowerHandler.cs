namespace Berth.Hub.Tests.Robustness;

/// <summary>
/// The way to a machine whose power may be cut: no answer comes from it any more. The kernel cuts only the disk, and a hub that is left
/// without one might still say something.
/// </summary>
internal sealed class PowerHandler() : DelegatingHandler(new SocketsHttpHandler())
{
    private volatile bool _isCut;

    /// <summary>Set before the power is cut, so that what was answered is what was answered before.</summary>
    public bool IsCut
    {
        get => _isCut;
        set => _isCut = value;
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        HttpResponseMessage answer = await base.SendAsync(request, cancellationToken);
        if (!_isCut)
            return answer;
        answer.Dispose();
        throw new HttpRequestException("the power is cut");
    }
}
