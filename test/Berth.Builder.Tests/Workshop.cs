using System.Text;
using Berth.Builder.Cache;
using Berth.Builder.Files;
using Berth.Faults;
using Berth.Layers;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.References;

namespace Berth.Builder.Tests;

/// <summary>A builder with real layers and cache in a temporary directory; commands are functions on the step's tree.</summary>
internal sealed class Workshop : IBaseImages, IStepRunner, IImageSink, IBuildProgress, IDisposable
{
    private readonly SqliteBuildCache _cache;

    public Workshop()
    {
        Root = Directory.CreateTempSubdirectory("berth-builder-").FullName;
        ContextDirectory = Path.Combine(Root, "context");
        Directory.CreateDirectory(ContextDirectory);
        Layers = new OverlayLayerStore(Path.Combine(Root, "layers"));
        _cache = new SqliteBuildCache(Path.Combine(Root, "cache.db"), TimeProvider.System);
        Builder = new ImageBuilder(Layers, _cache, this, this, this, TimeProvider.System, Path.Combine(Root, "build"));
    }

    public string Root { get; }

    public string ContextDirectory { get; }

    public ILayerStore Layers { get; }

    public ImageBuilder Builder { get; }

    public List<BuildEvent> Events { get; } = [];

    public List<StepRequest> Runs { get; } = [];

    public Dictionary<string, BaseImage> Images { get; } = [];

    public Dictionary<string, Digest> Stored { get; } = [];

    public Func<StepRequest, string, IStepOutput, CancellationToken, Task<int>> Command { get; set; } = (_, _, _, _) => Task.FromResult(0);

    public string Text => string.Concat(Events.Select(ClassicText.Of));

    public int CachedSteps => Events.OfType<StepCached>().Count();

    public void Write(string path, string content, int mode = 0x1A4)
    {
        string full = Path.Combine(ContextDirectory, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, content);
        File.SetUnixFileMode(full, (UnixFileMode)mode);
    }

    public Task<BuiltImage> BuildAsync(string dockerfile, Func<BuildRequest, BuildRequest>? with = null) =>
        BuildAsync(dockerfile, with, TestContext.Current.CancellationToken);

    public async Task<BuiltImage> BuildAsync(string dockerfile, Func<BuildRequest, BuildRequest>? with, CancellationToken cancellationToken)
    {
        Events.Clear();
        using BuildContext context = BuildContext.OfDirectory(ContextDirectory, BuildContext.ReadIgnore(ContextDirectory, "Dockerfile"));
        BuildRequest request = new() { Context = context, DockerfileText = dockerfile };
        return await Builder.BuildAsync(with?.Invoke(request) ?? request, this, cancellationToken);
    }

    public async Task<FaultException> FailsAsync(string dockerfile, Func<BuildRequest, BuildRequest>? with = null) =>
        await Assert.ThrowsAsync<FaultException>(() => BuildAsync(dockerfile, with));

    /// <summary>The image's files: path, kind or content, and mode, as lines.</summary>
    public IReadOnlyList<string> Tree(BuiltImage image)
    {
        using SourceTree tree = Open(image);
        List<string> lines = [];
        void Walk(SourceNode node)
        {
            foreach (SourceNode child in node.Children)
            {
                string kind = child.Status.IsDirectory ? "/" : child.Status.IsSymbolicLink ? " -> " + FileCalls.TextOf(child.LinkTarget)
                    : "=" + tree.ReadText(child.Path, 1 << 20);
                lines.Add(child.Path + kind);
                Walk(child);
            }
        }
        Walk(tree.Read("", Dockerfile.Ignore.IgnoreFile.Empty)!);
        return lines;
    }

    public FileStatus Status(BuiltImage image, string path)
    {
        using SourceTree tree = Open(image);
        using FileDescriptor opened = tree.TryOpen(path, FileCalls.O_PATH)!;
        return FileCalls.Status(opened);
    }

    public Task<BaseImage> ResolveAsync(BaseImageRequest request, IProgress<Distribution.TransferEvent> progress, CancellationToken cancellationToken) =>
        Images.TryGetValue(request.Reference, out BaseImage? image) ? Task.FromResult(image)
            : throw FaultException.NotFound($"pull access denied for {request.Reference}, repository does not exist or may require 'docker login'");

    public async Task<StepResult> RunAsync(StepRequest request, IStepOutput output, CancellationToken cancellationToken)
    {
        lock (Runs)
            Runs.Add(request);
        using TargetTree tree = TargetTree.Open(request.Layer, alone: false);
        return new StepResult(await Command(request, $"/proc/self/fd/{tree.Root.Number}", output, cancellationToken));
    }

    public Task StoreAsync(
        Digest imageId, ReadOnlyMemory<byte> configBytes, ImageConfig config, IReadOnlyList<ImageReference> names, CancellationToken cancellationToken)
    {
        foreach (ImageReference name in names)
            Stored[name.Familiar] = imageId;
        return Task.CompletedTask;
    }

    public ValueTask ReportAsync(BuildEvent happened, CancellationToken cancellationToken)
    {
        Events.Add(happened);
        return ValueTask.CompletedTask;
    }

    public static ValueTask Say(IStepOutput output, string text) => output.WriteAsync(Encoding.UTF8.GetBytes(text), false, default);

    public void Dispose()
    {
        Builder.Dispose();
        _cache.Dispose();
        // The store deletes behind: it must have ended before its root goes.
        ((OverlayLayerStore)Layers).DisposeAsync().AsTask().GetAwaiter().GetResult();
        Directory.Delete(Root, recursive: true);
    }

    private SourceTree Open(BuiltImage image) => new(
        TargetTree.OpenForReading(image.Config.RootFs.Chain is { } chain ? Layers.Find(chain)!.Directories : [], ContextDirectory),
        Dockerfile.Ignore.IgnoreFile.Empty);
}
