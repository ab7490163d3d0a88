using Berth.Builder.Files;
using Berth.Dockerfile.Ignore;
using Berth.Faults;
using Berth.Layers.Trees;
using Berth.Linux.Files;

namespace Berth.Builder;

public sealed partial class BuildContext
{
    // Where a case is not minded, people write it so, and BuildKit takes it.
    private const string OtherName = "dockerfile";

    /// <summary>Has a client send Dockerfile and files into a directory, which is removed by <see cref="Dispose"/>, or kept for the next
    /// build of the same. What the ignore file leaves out is not sent; the one named after the Dockerfile wins.</summary>
    /// <param name="client">Sends.</param>
    /// <param name="contexts">What is kept.</param>
    /// <param name="scratchDirectory">Where to make a directory.</param>
    /// <param name="dockerfile">The Dockerfile's name.</param>
    /// <param name="cancellationToken">Gives up, with nothing left.</param>
    /// <exception cref="FaultException">InvalidArgument: there is no such Dockerfile, or an ignore file is malformed. Others as <see
    /// cref="IBuildClient.SendContextAsync"/> says.</exception>
    public static async Task<BuildContext> FetchAsync(
        IBuildClient client, KeptContexts contexts, string scratchDirectory, string dockerfile, CancellationToken cancellationToken)
    {
        (string text, IgnoreFile ignore) =
            await FetchDefinitionAsync(client, scratchDirectory, dockerfile, cancellationToken).ConfigureAwait(false);
        KeptContext? kept = client.ContextKey is { } key ? contexts.TryTake(key) : null;
        string directory = MakeAt(kept?.Directory ?? NewPath(scratchDirectory));
        try
        {
            long bytes = await client.SendContextAsync(directory, ignore, cancellationToken).ConfigureAwait(false);
            return new BuildContext(directory, ignore, owned: kept is null)
            {
                DockerfileText = text, _giveBack = kept is null ? null : () => kept.GiveBack(bytes),
            };
        }
        catch
        {
            kept?.GiveBack(null);
            if (kept is null)
                TreeRemover.Remove(directory);
            throw;
        }
    }

    /// <summary>Has a client send its Dockerfile alone, with what is to be ignored.</summary>
    /// <param name="client">Sends.</param>
    /// <param name="scratchDirectory">Where to make a directory, of which nothing is left.</param>
    /// <param name="dockerfile">The Dockerfile's name.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="FaultException">As <see cref="FetchAsync"/>.</exception>
    public static async Task<(string Text, IgnoreFile Ignore)> FetchDefinitionAsync(
        IBuildClient client, string scratchDirectory, string dockerfile, CancellationToken cancellationToken)
    {
        string directory = MakeAt(NewPath(scratchDirectory));
        try
        {
            await client.SendDefinitionAsync(directory, dockerfile, cancellationToken).ConfigureAwait(false);
            using SourceTree tree = new(FileCalls.OpenDirectory(directory), IgnoreFile.Empty);
            string text = tree.ReadText(dockerfile, ImageBuilder.DockerfileBytesMax)
                ?? (dockerfile == "Dockerfile" ? tree.ReadText(OtherName, ImageBuilder.DockerfileBytesMax) : null)
                ?? throw FaultException.Invalid($"failed to read dockerfile: open {dockerfile}: no such file or directory");
            return (text, ReadIgnore(tree, dockerfile));
        }
        finally
        {
            TreeRemover.Remove(directory);
        }
    }
}
