namespace Berth.Builder;

/// <summary>The text that Docker's classic builder streams, which clients show and some parse.</summary>
public static class ClassicText
{
    /// <summary>The text of an event with its newline; null for events that have none (pull progress is the caller's).</summary>
    public static string? Of(BuildEvent happened) => happened switch
    {
        StepStarted step => $"Step {step.Number}/{step.Count} : {step.Text}\n",
        StepCached => " ---> Using cache\n",
        StepRunning step => $" ---> Running in {step.Id[..12]}\n",
        StepOutput output => output.Text,
        StepRemoved step => $"Removing intermediate container {step.Id[..12]}\n",
        StepFinished step => $" ---> {step.Id.Short}\n",
        BuildWarning { Range: { } range } warning => $"[Warning] {warning.Text} (line {range.StartLine})\n",
        BuildWarning warning => $"[Warning] {warning.Text}\n",
        StepFailed failed => (failed.Hint is null ? "" : $"Hint: {failed.Hint}\n") + failed.Excerpt,
        ImageBuilt built => $"Successfully built {built.ImageId.Short}\n",
        ImageTagged tagged => $"Successfully tagged {tagged.Name.Familiar}\n",
        _ => null,
    };
}
