using System.IO.Pipelines;
using Berth.Builder;
using Berth.BuildKit.Files;
using Berth.BuildKit.Progress;
using Berth.BuildKit.Protocol;
using Berth.BuildKit.Sessions;
using Berth.Faults;
using Berth.Layers.Trees;
using Berth.Linux;
using Google.Protobuf;
using Grpc.Core;

namespace Berth.BuildKit.Export;

/// <summary>Sends a result's files to the client of the build: as a tree, as a tar, or not at all.</summary>
/// <param name="session">The client.</param>
/// <param name="trace">Where it is drawn.</param>
/// <param name="form">How it is sent.</param>
public sealed class ClientExport(ClientSession session, BuildTrace trace, ExportForm form) : IBuildExport
{
    private const int ChunkBytes = 32 * 1024;

    /// <inheritdoc/>
    public async Task ExportAsync(FileDescriptor root, CancellationToken cancellationToken)
    {
        if (form == ExportForm.Nothing)
            return;
        TraceVertex vertex = trace.Begin("exporting to client");
        string what = form == ExportForm.Tar ? "sending tarball" : "copying files";
        long sent = 0;
        try
        {
            vertex.Report(what, 0, 0, isDone: false);
            if (form == ExportForm.Tar)
                await SendTarAsync(root, bytes => sent = bytes, cancellationToken).ConfigureAwait(false);
            else
                await SendTree.RunAsync(session, root, bytes => sent = bytes, cancellationToken).ConfigureAwait(false);
            vertex.Report(what, sent, 0, isDone: true);
            vertex.Complete();
        }
        catch (FaultException fault)
        {
            vertex.Fail(fault.Message);
            throw;
        }
    }

    private async Task SendTarAsync(FileDescriptor root, Action<long> report, CancellationToken cancellationToken)
    {
        if (!session.Offers(SessionMethods.TakeFile))
            throw FaultException.Invalid("session: the client takes no file: is there a dest for the output?");
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Pipe pipe = new();
        Task archiving = Task.Run(() => ArchiveAsync(root, pipe.Writer, stop.Token), CancellationToken.None);
        using AsyncDuplexStreamingCall<BytesMessage, BytesMessage> call = session.Calls.AsyncDuplexStreamingCall(
            SessionMethods.TakeFile, null, new CallOptions(cancellationToken: cancellationToken));
        try
        {
            await using Stream tar = pipe.Reader.AsStream();
            byte[] buffer = new byte[ChunkBytes];
            long sent = 0;
            int count;
            while ((count = await tar.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
            {
                await call.RequestStream.WriteAsync(
                    new BytesMessage { Data = ByteString.CopyFrom(buffer, 0, count) }, cancellationToken).ConfigureAwait(false);
                report(sent += count);
            }
            await call.RequestStream.CompleteAsync().ConfigureAwait(false);
            // The client ends the call when it has written all of it.
            while (await call.ResponseStream.MoveNext(cancellationToken).ConfigureAwait(false))
            {
            }
        }
        catch (RpcException refused)
        {
            RpcException why = await ClientSession.WhyAsync(call.ResponseStream, refused).ConfigureAwait(false);
            throw ClientSession.Explain(why, "take the tar", cancellationToken);
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await archiving.ConfigureAwait(false);
        }
    }

    // A failure goes through the pipe to whoever reads it.
    private static async Task ArchiveAsync(FileDescriptor root, PipeWriter writer, CancellationToken cancellationToken)
    {
        try
        {
            await using Stream tar = writer.AsStream(leaveOpen: true);
            TreeArchiver.WriteTree(root, tar, new ArchiveOptions(), cancellationToken);
            await writer.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception failure)
        {
            await writer.CompleteAsync(failure).ConfigureAwait(false);
        }
    }
}
