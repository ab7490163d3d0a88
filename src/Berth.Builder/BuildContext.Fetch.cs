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

    /// <summary>Has a client send Dockerfile and files into a new directory, which is removed by <see cref="Dispose"/>. What the
    /// ignore file leaves out is not sent; the one named after the Dockerfile wins.</summary>
    /// <param name="client">Sends.</param>
    /// <param name="scratchDirectory">Where to make the directory.</param>
    /// <param name="dockerfile">The Dockerfile's name.</param>
    /// <param name="cancellationToken">Gives up, with nothing left.</param>
    /// <exception cref="FaultException">InvalidArgument: there is no such Dockerfile, or an ignore file is malformed. Others as <see
    /// cref="IBuildClient.SendContextAsync"/> says.</exception>
    public static async Task<BuildContext> FetchAsync(
        IBuildClient client, string scratchDirectory, string dockerfile, CancellationToken cancellationToken)
    {
        string directory = MakeDirectory(scratchDirectory);
        try
        {
            (string text, IgnoreFile ignore) =
                await FetchDefinitionAsync(client, scratchDirectory, dockerfile, cancellationToken).ConfigureAwait(false);
            await client.SendContextAsync(directory, ignore, cancellationToken).ConfigureAwait(false);
            return new BuildContext(directory, ignore, owned: true) { DockerfileText = text };
        }
        catch
        {
            TreeRemover.Remove(directory);
            throw;
        }
    }

    private static async Task<(string Text, IgnoreFile Ignore)> FetchDefinitionAsync(
        IBuildClient client, string scratchDirectory, string dockerfile, CancellationToken cancellationToken)
    {
        string directory = MakeDirectory(scratchDirectory);
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

    // The root's permissions are a part of keys, as in UnpackAsync.
    private static string MakeDirectory(string scratchDirectory)
    {
        string directory = Path.Combine(scratchDirectory, NamePrefix + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(directory);
        File.SetUnixFileMode(directory, (UnixFileMode)0x1ED);
        return directory;
    }
}
