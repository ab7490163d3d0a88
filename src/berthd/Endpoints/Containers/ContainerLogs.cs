using Berth.Daemon.Http;
using Berth.Daemon.Streams;
using Berth.Daemon.Transport;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>200 what it has written, framed unless it has a terminal; 400 no stream chosen, 404.</summary>
internal static class ContainerLogs
{
    public static async Task HandleAsync(ApiCall call)
    {
        bool stdout = call.Query.Flag("stdout");
        bool stderr = call.Query.Flag("stderr");
        if (!stdout && !stderr)
            throw FaultException.Invalid("Bad parameters: you must choose at least one stream");
        LogQuery query = new()
        {
            Stdout = stdout,
            Stderr = stderr,
            Follow = call.Query.Flag("follow"),
            Since = call.Query.Time("since", call.Services.Clock),
            Until = call.Query.Time("until", call.Services.Clock),
            Tail = Tail(call.Query.Text("tail")),
        };
        ContainerDetails container = await call.Engine.Containers.InspectAsync(call.Id, size: false, call.Cancelled);
        bool framed = !container.Config.Tty;
        bool timestamps = call.Query.Flag("timestamps");
        string details = call.Query.Flag("details") ? LogLine.Details(container.LogAttributes) : "";
        await LineStream.CopyAsync(
            call, OutputFrame.ContentType(framed, call.Version),
            call.Engine.Containers.Logs(container.Id, query, call.Cancelled),
            (output, entry) => LogLine.Write(output, entry, framed, timestamps, details));
    }

    // "all", nothing, a negative number and anything unreadable mean all, as in Docker.
    private static int? Tail(string text) => int.TryParse(text, out int lines) && lines >= 0 ? lines : null;
}
