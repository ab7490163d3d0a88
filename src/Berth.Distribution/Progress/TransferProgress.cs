namespace Berth.Distribution;

/// <summary>Hands events on one at a time and byte counts at a bounded rate.</summary>
internal sealed class TransferProgress(IProgress<TransferEvent> target, TimeProvider time)
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(100);
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (TransferStage Stage, long At)> _last = []; // Guarded by _gate.

    public void Message(string status, string? id = null) => Report(new TransferEvent(TransferStage.Message, id, status));

    public void Stage(TransferStage stage, string id, string? status = null) =>
        Report(new TransferEvent(stage, id, status ?? TextOf(stage)));

    public void Report(TransferEvent step)
    {
        lock (_gate)
            target.Report(step);
    }

    /// <summary>Tells how far a layer is, unless it was told a moment ago.</summary>
    public void Bytes(TransferStage stage, string id, long current, long? total)
    {
        lock (_gate)
        {
            if (_last.TryGetValue(id, out (TransferStage Stage, long At) last) && last.Stage == stage
                && current != total && time.GetElapsedTime(last.At) < s_interval)
                return;
            _last[id] = (stage, time.GetTimestamp());
            target.Report(new TransferEvent(stage, id, TextOf(stage)) { Current = current, Total = total });
        }
    }

    private static string TextOf(TransferStage stage) => stage switch
    {
        TransferStage.PullingLayer => "Pulling fs layer",
        TransferStage.VerifyingChecksum => "Verifying Checksum",
        TransferStage.DownloadComplete => "Download complete",
        TransferStage.PullComplete => "Pull complete",
        TransferStage.AlreadyExists => "Already exists",
        _ => stage.ToString(),
    };
}
