using Berth.Faults;
using Berth.Layers.Tar;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Processes;
using Berth.Oci;

namespace Berth.Layers.Trees;

/// <summary>Unpacks archives of strangers below a directory, and nowhere else: layers, docker cp, build contexts.</summary>
/// <remarks>
/// All work is relative to descriptors below the root, resolved by openat2 with RESOLVE_IN_ROOT, and the last component is never
/// followed: <c>..</c>, absolute paths, links and directories swapped meanwhile end inside. Directories keep what is in them;
/// other existing names are replaced. Reading and hashing run beside the unpacking, which has a thread of its own.
/// </remarks>
public static class TreeExtractor
{
    /// <summary>Unpacks an uncompressed tar to its end; the rest of the stream is read, and hashed if asked for.</summary>
    /// <param name="tar">The stream, read asynchronously; stays the caller's.</param>
    /// <param name="root">The directory, open for reading or O_PATH; stays the caller's.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Stops between entries; what was unpacked stays.</param>
    /// <exception cref="FaultException">InvalidArgument: the archive is malformed, beyond a limit or climbs out.
    /// Unavailable: the disk is full.</exception>
    public static async Task<ExtractSummary> ExtractAsync(
        Stream tar, FileDescriptor root, ExtractOptions options, CancellationToken cancellationToken)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using PipelineSource source = new(tar, options.ComputeDigest);
        Task pump = Task.Run(() => source.PumpAsync(stop.Token), CancellationToken.None);
        try
        {
            (int entries, long bytes) = await RunOnOwnThread(() =>
            {
                if (options.View is { } view)
                    FileIdentity.TakeForThread(view.RootUser, view.RootGroup);
                return Extract(source, root, options, stop.Token);
            }).ConfigureAwait(false);
            await pump.ConfigureAwait(false);
            Digest digest = options.ComputeDigest ? Digest.FromSha256(source.Hash()) : default;
            return new ExtractSummary(digest, entries, bytes);
        }
        catch (IOException) when (source.Failure is { } failure)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure); // What the stream itself said.
            throw;
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await pump.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // Its failure was passed on above.
        }
    }

    private static (int Entries, long Bytes) Extract(
        PipelineSource source, FileDescriptor root, ExtractOptions options, CancellationToken cancellationToken)
    {
        TarReader reader = new(source, options.Limits);
        using EntryWriter writer = new(root, options);
        int entries = 0;
        while (reader.Next() is { } entry)
        {
            cancellationToken.ThrowIfCancellationRequested();
            WriteEntry(writer, entry, reader);
            entries++;
        }
        writer.Finish();
        while (source.Peek() is { IsEmpty: false } rest)
            source.Skip(rest.Length);
        return (entries, writer.Bytes);
    }

    private static void WriteEntry(EntryWriter writer, TarEntry entry, TarReader reader)
    {
        try
        {
            writer.Write(entry, reader);
        }
        catch (InvalidDataException refused)
        {
            throw FaultException.Invalid($"unpack \"{entry.PathText}\": {refused.Message}", refused);
        }
        catch (LinuxException refused)
        {
            throw refused.Error switch
            {
                Errno.ENOSPC or Errno.EDQUOT => FaultException.Unavailable(
                    $"unpack \"{entry.PathText}\": no space left on device: free some space and try again", refused),
                Errno.ENOTDIR or Errno.ELOOP or Errno.ENAMETOOLONG or Errno.EFBIG or Errno.EISDIR or Errno.EINVAL
                    or Errno.EEXIST or Errno.ENOTEMPTY => FaultException.Invalid(
                        $"unpack \"{entry.PathText}\": {refused.Message}", refused),
                _ => FaultException.Internal($"unpack \"{entry.PathText}\": {refused.Message}", refused),
            };
        }
    }

    // The thread's umask is its own; it ends with the work, so no other work inherits that.
    private static Task<T> RunOnOwnThread<T>(Func<T> work)
    {
        TaskCompletionSource<T> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Thread thread = new(() =>
        {
            try
            {
                FileCalls.ClearThreadUmask();
                done.SetResult(work());
            }
            catch (OperationCanceledException cancelled)
            {
                done.SetCanceled(cancelled.CancellationToken);
            }
            catch (Exception failure)
            {
                done.SetException(failure);
            }
        }) { IsBackground = true, Name = "unpack" };
        thread.Start();
        return done.Task;
    }
}
