using Berth.Distribution;
using Berth.Dockerfile;
using Berth.Oci;
using Berth.Oci.References;

namespace Berth.Builder;

/// <summary>Takes what a build reports. Calls come one after the other, stage by stage, whatever runs in parallel.</summary>
public interface IBuildProgress
{
    /// <summary>Takes one event; a slow consumer holds the build back.</summary>
    ValueTask ReportAsync(BuildEvent happened, CancellationToken cancellationToken);
}

/// <summary>Takes what stages report as it happens, also while several are built side by side. Calls still come one after the
/// other.</summary>
public interface IStageProgress : IBuildProgress
{
    /// <summary>Takes one event of a stage; a slow consumer holds the build back.</summary>
    ValueTask ReportAsync(int stage, BuildEvent happened, CancellationToken cancellationToken);
}

/// <summary>Something that happened in a build. <see cref="ClassicText.Of"/> gives the text that Docker's classic
/// builder prints for it.</summary>
public abstract record BuildEvent;

/// <summary>A step begins.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Count">Of how many.</param>
/// <param name="Text">The instruction.</param>
/// <param name="Range">Its place in the Dockerfile.</param>
/// <param name="Stage">Its stage's number; -1 for what stands before the first.</param>
public sealed record StepStarted(int Number, int Count, string Text, SourceRange Range, int Stage) : BuildEvent
{
    /// <summary>Where it stands among the steps of its stage that do something; null for one that only notes a setting.</summary>
    public StepPlace? Place { get; init; }
}

/// <summary>A step as BuildKit counts: stage by stage, and only those that make or bring files.</summary>
/// <param name="Stage">The stage's name; null when there is only one.</param>
/// <param name="Number">From 1.</param>
/// <param name="Count">Of how many.</param>
public sealed record StepPlace(string? Stage, int Number, int Count);

/// <summary>A step's result was in the cache.</summary>
public sealed record StepCached : BuildEvent;

/// <summary>A step's command begins to run.</summary>
/// <param name="Id">The step's ID.</param>
public sealed record StepRunning(string Id) : BuildEvent;

/// <summary>Output of a step's command: whole lines, or the last piece before it ended.</summary>
/// <param name="Text">The text with its newlines; bytes that are not UTF-8 are replaced.</param>
/// <param name="IsError">It was written to standard error.</param>
public sealed record StepOutput(string Text, bool IsError) : BuildEvent;

/// <summary>What a step ran in is gone.</summary>
/// <param name="Id">The step's ID.</param>
public sealed record StepRemoved(string Id) : BuildEvent;

/// <summary>A step is done.</summary>
/// <param name="Id">The identity of the state after it; for a base image its ID.</param>
public sealed record StepFinished(Digest Id) : BuildEvent;

/// <summary>The pull of a base image reports.</summary>
/// <param name="Progress">What it reported.</param>
public sealed record BasePullProgress(TransferEvent Progress) : BuildEvent;

/// <summary>A doubt that does not stop the build: a lint finding, a build argument nobody asked for.</summary>
/// <param name="Text">One line.</param>
/// <param name="Range">Its place, if it has one.</param>
public sealed record BuildWarning(string Text, SourceRange? Range = null) : BuildEvent;

/// <summary>A step failed; the fault follows from <see cref="IImageBuilder.BuildAsync"/>.</summary>
/// <param name="Range">The instruction's place.</param>
/// <param name="Excerpt">The lines around it, marked.</param>
/// <param name="ExitCode">The command's exit code; 0 when no command ran: for <c>errorDetail.code</c>.</param>
/// <param name="Hint">What probably is wrong; null when nothing is known.</param>
/// <param name="Message">The fault's message.</param>
public sealed record StepFailed(SourceRange Range, string Excerpt, int ExitCode, string? Hint, string Message) : BuildEvent;

/// <summary>The image is made and stored.</summary>
/// <param name="ImageId">Its ID.</param>
public sealed record ImageBuilt(Digest ImageId) : BuildEvent;

/// <summary>The image got a name.</summary>
/// <param name="Name">The name.</param>
public sealed record ImageTagged(ImageReference Name) : BuildEvent;
