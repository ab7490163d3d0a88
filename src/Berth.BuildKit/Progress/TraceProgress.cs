using Berth.Builder;
using Berth.Distribution;

namespace Berth.BuildKit.Progress;

/// <summary>Draws a build's events as the vertices that BuildKit would show: a step each, and the image at the end.</summary>
/// <param name="trace">Where to draw.</param>
public sealed class TraceProgress(BuildTrace trace) : IStageProgress
{
    private readonly Dictionary<int, TraceVertex> _steps = [];
    private TraceVertex? _image;

    /// <summary>Doubts are said as warnings too, which newer clients list below a build.</summary>
    public bool SaysWarnings { get; init; }

    /// <inheritdoc/>
    public ValueTask ReportAsync(BuildEvent happened, CancellationToken cancellationToken)
    {
        switch (happened)
        {
            case BuildWarning warning:
                TraceVertex doubt = trace.Begin("[internal] check the build definition");
                doubt.Log(ClassicText.Of(warning)!, isError: true);
                if (SaysWarnings)
                    doubt.Warn(warning.Text, warning.Range);
                doubt.Complete();
                break;
            case ImageBuilt built:
                _image = trace.Begin("exporting to image");
                _image.Report("exporting layers", 0, 0, isDone: true);
                _image.Report($"writing image {built.ImageId}", 0, 0, isDone: true);
                break;
            case ImageTagged tagged:
                _image?.Report($"naming to {tagged.Name}", 0, 0, isDone: true);
                break;
        }
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask ReportAsync(int stage, BuildEvent happened, CancellationToken cancellationToken)
    {
        if (happened is StepStarted started)
            Begin(stage, started);
        else if (_steps.TryGetValue(stage, out TraceVertex? step))
            Draw(step, happened);
        return ValueTask.CompletedTask;
    }

    /// <summary>Ends what is still open.</summary>
    /// <param name="failure">Why the build did not come to its end; null: it did.</param>
    public void Finish(string? failure)
    {
        if (failure is null)
            _image?.Complete();
        else
            trace.Abandon(failure);
    }

    private void Begin(int stage, StepStarted started)
    {
        if (started.Place is { } place)
            _steps[stage] = trace.Begin(
                $"[{(place.Stage is null ? "" : place.Stage + " ")}{Padded(place)}/{place.Count}] {started.Text}");
        else
            _steps.Remove(stage);
    }

    // As many columns as the largest number has, so that they stand below one another.
    private static string Padded(StepPlace place) => place.Number.ToString().PadLeft(place.Count.ToString().Length);

    private void Draw(TraceVertex step, BuildEvent happened)
    {
        switch (happened)
        {
            case StepOutput output:
                step.Log(output.Text, output.IsError);
                break;
            case StepCached:
                step.CompleteFromCache();
                break;
            case StepFinished:
                step.Complete();
                break;
            case BasePullProgress pull:
                DrawPull(step, pull.Progress);
                break;
            case BuildWarning warning:
                step.Log(ClassicText.Of(warning)!, isError: true);
                if (SaysWarnings)
                    step.Warn(warning.Text, warning.Range);
                break;
            case StepFailed failed:
                if (failed.Hint is { } hint)
                    step.Log($"Hint: {hint}\n", isError: true);
                step.Fail(failed.Message);
                break;
        }
    }

    private static void DrawPull(TraceVertex step, TransferEvent pull)
    {
        if (pull.Id is not { } id)
            return;
        (long current, long total) = (pull.Current ?? 0, pull.Total ?? 0);
        switch (pull.Stage)
        {
            case TransferStage.Downloading:
                step.Report(id, current, total, isDone: false);
                break;
            case TransferStage.DownloadComplete or TransferStage.AlreadyExists:
                step.Report(id, 0, 0, isDone: true);
                break;
            case TransferStage.Extracting:
                step.Report($"extracting {id}", current, total, isDone: false);
                break;
            case TransferStage.PullComplete:
                step.Report($"extracting {id}", 0, 0, isDone: true);
                break;
        }
    }
}
