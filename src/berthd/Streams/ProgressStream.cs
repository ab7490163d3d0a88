using System.Buffers;
using System.Text.Json;
using Berth.Daemon.Http;
using Berth.Engine;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Streams;

/// <summary>
/// Progress lines on their way to a client. The work that reports never waits for the client as long as the client reads;
/// when it does not, bars are left out first and then the work is held back, so that memory stays bounded.
/// </summary>
/// <remarks>Nothing is sent before the first line, so that a failure before it still gets a status of its own.</remarks>
internal sealed class ProgressStream : IProgress<ProgressMessage>
{
    // Above this, the bars of downloads are left out: the next one says the same better.
    private const int BarBytesMax = 64 * 1024;

    // Above this, whoever reports waits.
    private const int PendingBytesMax = 1024 * 1024;

    private readonly ApiCall _call;
    private readonly object _gate = new();  // Waited on with Monitor, which System.Threading.Lock has no form of.
    private TaskCompletionSource _filled = NewSignal();  // Guarded by _gate.
    private ArrayBufferWriter<byte> _pending = new(1024);  // Guarded by _gate.
    private ArrayBufferWriter<byte> _sending = new(1024);
    private bool _any;  // Guarded by _gate.
    private bool _done;  // Guarded by _gate.

    private ProgressStream(ApiCall call) => _call = call;

    /// <summary>Does the work and sends what it reports; a failure after the first line becomes the last line.</summary>
    /// <exception cref="FaultException">The work failed before it reported anything.</exception>
    public static async Task RunAsync(ApiCall call, Func<ProgressStream, Task> work)
    {
        var stream = new ProgressStream(call);
        Task sending = stream.SendAsync();
        try
        {
            await work(stream);
        }
        catch (FaultException fault) when (stream.HasReported)
        {
            stream.Fail(fault.Message);
        }
        finally
        {
            stream.Finish();
            await sending;
        }
    }

    /// <summary>True when a line was reported, so that the status can no longer be chosen.</summary>
    public bool HasReported
    {
        get
        {
            lock (_gate)
                return _any;
        }
    }

    /// <inheritdoc/>
    public void Report(ProgressMessage value) =>
        Write(ProgressLines.ToWire(value), isBar: value.Current > 0 && value.Current < value.Total);

    /// <summary>Sends a line.</summary>
    public void Write(Wire.ProgressMessage line, bool isBar = false)
    {
        lock (_gate)
        {
            while (!isBar && !_done && _pending.WrittenCount > PendingBytesMax)
                Monitor.Wait(_gate);
            if (_done || (isBar && _pending.WrittenCount > BarBytesMax))
                return;
            using (var writer = new Utf8JsonWriter(_pending, ApiCall.WriterOptions))
                JsonSerializer.Serialize(writer, line, Wire.ApiJson.Wire.ProgressMessage);
            _pending.Write("\r\n"u8);
            _any = true;
            _filled.TrySetResult();
        }
    }

    /// <summary>Sends the failure that ends the stream.</summary>
    public void Fail(string message, int code = 0) => Write(new Wire.ProgressMessage
    {
        ErrorDetail = new Wire.ErrorDetail { Message = message, Code = code },
        Error = message,
    });

    private void Finish()
    {
        lock (_gate)
        {
            _done = true;
            _filled.TrySetResult();
            Monitor.PulseAll(_gate);
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Task Filled()
    {
        lock (_gate)
            return _filled.Task;
    }

    private async Task SendAsync()
    {
        HttpResponse response = _call.Http.Response;
        try
        {
            for (bool done = false; !done;)
            {
                await Filled().WaitAsync(_call.Cancelled);
                done = Swap();
                if (_sending.WrittenCount == 0)
                    continue;
                if (!response.HasStarted)
                    response.ContentType = "application/json";
                await response.Body.WriteAsync(_sending.WrittenMemory, _call.Cancelled);
                await response.Body.FlushAsync(_call.Cancelled);
                _sending.ResetWrittenCount();
            }
        }
        catch (Exception failure) when (failure is OperationCanceledException or IOException)
        {
            // The client went away; the rest is dropped as it is reported.
            Finish();
        }
    }

    private bool Swap()
    {
        lock (_gate)
        {
            (_pending, _sending) = (_sending, _pending);
            if (!_done)
                _filled = NewSignal();
            Monitor.PulseAll(_gate);
            return _done;
        }
    }
}
