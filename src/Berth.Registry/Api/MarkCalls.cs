using Berth.Registry.Browsing;

namespace Berth.Registry.Api;

/// <summary>The calls beneath <c>/api/v1/admin/marks</c>.</summary>
internal static class MarkCalls
{
    public static async Task ListAsync(ApiCall call)
    {
        List<MarkedName> marked = await call.Services.Browsing.Marks.ListAsync(call.Cancelled);
        PageWire<MarkWire> wire = new([.. marked.Select(one => new MarkWire(MarkService.TextOf(one.Mark), one.Name))], null);
        await call.SendAsync(wire, ApiJson.Default.PageWireMarkWire);
    }

    public static Task SetAsync(ApiCall call) => SetAsync(call, isSet: true);

    public static Task UnsetAsync(ApiCall call) => SetAsync(call, isSet: false);

    private static async Task SetAsync(ApiCall call, bool isSet)
    {
        await call.Services.Browsing.Marks.SetAsync(
            call.Caller, MarkService.Parse(call.Route("mark")), call.Route("name"), isSet, call.Cancelled);
        await call.DoneAsync();
    }
}
