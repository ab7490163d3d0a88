using Berth.Registry.Hosting;
using Berth.Registry.Model;
using Berth.Registry.Pages.Frame;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Berth.Registry.Pages;

/// <summary>Runs what makes a page: finds out who asks, and turns faults into pages.</summary>
internal sealed partial class PageRunner(HubServices services)
{
    private readonly ILogger _log = services.Loggers.CreateLogger("Berth.Registry.Pages");

    /// <summary>An endpoint that shows a page.</summary>
    public RequestDelegate Page(Func<PageContext, Task<PageView>> make) =>
        context => RunAsync(context, async page => await page.SendAsync(await make(page)));

    /// <summary>An endpoint that takes a form.</summary>
    public RequestDelegate Form(Func<PageContext, Task> handle) => context => RunAsync(context, handle);

    private async Task RunAsync(HttpContext context, Func<PageContext, Task> handle)
    {
        PageContext page = new(context, services, Caller.Anonymous);
        try
        {
            Caller? caller = await services.Callers.ReadAsync(context, context.RequestAborted);
            page = new PageContext(context, services, caller ?? Caller.Anonymous);
            await handle(page);
        }
        catch (FaultException fault) when (!context.Response.HasStarted)
        {
            if (fault.Kind is FaultKind.Internal)
                Log.Failed(_log, context.Request.Path, fault);
            await SendAsync(page, fault);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            return;
        }
        catch (Exception failure) when (!context.Response.HasStarted)
        {
            Log.Failed(_log, context.Request.Path, failure);
            await SendAsync(page, FaultException.Internal("the page could not be made", failure));
        }
    }

    private static async Task SendAsync(PageContext page, FaultException fault)
    {
        // What a page had begun to say about itself does not hold for its error.
        page.Http.Response.Clear();
        await page.SendAsync(ErrorPage.Make(page, fault));
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 7001, Level = LogLevel.Error, Message = "The page {Path} failed")]
        public static partial void Failed(ILogger logger, PathString path, Exception cause);
    }
}
