using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Berth.Daemon.Http;

namespace Berth.Daemon.Streams;

/// <summary>Writes what a source yields, at once when the source pauses and in large pieces when it does not.</summary>
internal static class LineStream
{
    // While the source goes on without a pause, this much is put together before it is sent.
    private const int UnflushedBytesMax = 64 * 1024;

    /// <summary>Copies items until the source ends or the client goes away. Headers are sent before the first item.</summary>
    public static async Task CopyAsync<T>(
        ApiCall call, string contentType, IAsyncEnumerable<T> source, Action<PipeWriter, T> write)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(call.Cancelled, call.Services.Stopping);
        await using IAsyncEnumerator<T> items = source.GetAsyncEnumerator(ending.Token);
        // A failure of the source before its first item still gets a status of its own.
        Task<bool> next = items.MoveNextAsync().AsTask();
        if (next.IsFaulted)
            await next;
        await call.StartAsync(contentType);
        PipeWriter output = call.Http.Response.BodyWriter;
        try
        {
            while (true)
            {
                if (!next.IsCompleted)
                    await output.FlushAsync(ending.Token);
                if (!await next)
                    break;
                write(output, items.Current);
                if (output.UnflushedBytes > UnflushedBytesMax)
                    await output.FlushAsync(ending.Token);
                next = items.MoveNextAsync().AsTask();
            }
            await output.FlushAsync(ending.Token);
        }
        catch (OperationCanceledException) when (call.Services.Stopping.IsCancellationRequested)
        {
            // The daemon goes: the stream ends here, well formed.
        }
    }

    /// <summary>Copies items as JSON, one in a line.</summary>
    public static Task CopyJsonAsync<T>(ApiCall call, IAsyncEnumerable<T> source, JsonTypeInfo<T> type) =>
        CopyAsync(call, "application/json", source, (output, item) =>
        {
            using (var writer = new Utf8JsonWriter(output, ApiCall.WriterOptions))
                JsonSerializer.Serialize(writer, item, type);
            output.Write("\n"u8);
        });
}
