using System.Text;
using Berth.Builder;
using Berth.Faults;

namespace Berth.Engine;

/// <summary>Turns build events into the classic builder's text. What comes before the first step is held back: when the Dockerfile is
/// wrong it belongs to the error, which then has a status of its own. A quiet build says its image alone, or what led to its failure.
/// </summary>
internal sealed class ClassicProgress(IProgress<ProgressMessage> target, bool isQuiet) : IBuildProgress
{
    // A quiet build's text is kept in case it fails; only its end then matters.
    private const int HeldCharactersMax = 1024 * 1024;
    private readonly StringBuilder _held = new();
    private bool _hasBegun;

    public ValueTask ReportAsync(BuildEvent happened, CancellationToken cancellationToken)
    {
        _hasBegun |= happened is StepStarted;
        if (happened is BasePullProgress pull)
        {
            if (!isQuiet)
                target.Report(TransferProgress.Convert(pull.Progress));
        }
        else if (happened is ImageBuilt built)
            ReportImage(built);
        else if (ClassicText.Of(happened) is { Length: > 0 } text)
            Say(text);
        return ValueTask.CompletedTask;
    }

    /// <summary>The failure as the client is to see it: before the first step with what was held, later after it.</summary>
    public FaultException Failed(FaultException fault)
    {
        if (_hasBegun)
        {
            Flush();
            return fault;
        }
        return _held.Length == 0 ? fault : new FaultException(fault.Kind, $"{fault.Message}\n{_held.ToString().TrimEnd('\n')}", fault);
    }

    private void ReportImage(ImageBuilt built)
    {
        if (isQuiet)
        {
            target.Report(new ProgressMessage { Stream = $"{built.ImageId}\n" });
            return;
        }
        Flush();
        target.Report(new ProgressMessage { Result = new ProgressResult(null, built.ImageId, 0, IsImageId: true) });
        target.Report(new ProgressMessage { Stream = ClassicText.Of(built) });
    }

    private void Say(string text)
    {
        if (isQuiet || !_hasBegun)
        {
            if (_held.Length + text.Length > HeldCharactersMax)
                _held.Clear();
            _held.Append(text);
            return;
        }
        Flush();
        target.Report(new ProgressMessage { Stream = text });
    }

    private void Flush()
    {
        if (_held.Length > 0)
            target.Report(new ProgressMessage { Stream = _held.ToString() });
        _held.Clear();
    }
}
