using Berth.Cli.Parsing;

namespace Berth.Cli.Commands;

/// <summary>The commands of <c>berth image</c> and their options.</summary>
internal static class ImageCatalog
{
    public static Command Build() => new()
    {
        Usages = ["[OPTIONS] PATH | URL | -"],
        Description = "Build an image from a Dockerfile",
        Aliases = "berth image build, berth build, berth builder build",
        Arguments = Arguments.Exactly(1),
        RunAsync = BuildCommand.RunAsync,
        Flags =
        [
            new("add-host", "list", "Add a custom host-to-IP mapping (\"host:ip\")"),
            new("build-arg", "list", "Set build-time variables"),
            new("cache-from", "strings", "Images to consider as cache sources"),
            new("cgroup-parent", "string", "Set the parent cgroup for the \"RUN\" instructions during build"),
            new("compress", "bool", "Compress the build context using gzip"),
            new("cpu-period", "int", "Limit the CPU CFS (Completely Fair Scheduler) period"),
            new("cpu-quota", "int", "Limit the CPU CFS (Completely Fair Scheduler) quota"),
            new("cpu-shares", 'c', "int", "CPU shares (relative weight)"),
            new("cpuset-cpus", "string", "CPUs in which to allow execution (0-3, 0,1)"),
            new("cpuset-mems", "string", "MEMs in which to allow execution (0-3, 0,1)"),
            new("disable-content-trust", "bool", "Skip image verification", "true"),
            new("file", 'f', "string", "Name of the Dockerfile (Default is \"PATH/Dockerfile\")"),
            new("force-rm", "bool", "Always remove intermediate containers"),
            new("iidfile", "string", "Write the image ID to the file"),
            new("isolation", "string", "Container isolation technology"),
            new("label", "list", "Set metadata for an image") { Validate = FlagChecks.Label },
            new("memory", 'm', "bytes", "Memory limit"),
            new("memory-swap", "bytes", "Swap limit equal to memory plus swap: -1 to enable unlimited swap"),
            new("network", "string", "Set the networking mode for the RUN instructions during build", "default"),
            new("no-cache", "bool", "Do not use cache when building the image"),
            new("platform", "string", "Set platform if server is multi-platform capable"),
            new("progress", "string",
                "Set type of progress output (\"auto\", \"plain\", \"quiet\"): plain shows no bars", "auto"),
            new("pull", "bool", "Always attempt to pull a newer version of the image"),
            new("quiet", 'q', "bool", "Suppress the build output and print image ID on success"),
            new("rm", "bool", "Remove intermediate containers after a successful build", "true"),
            new("security-opt", "strings", "Security options"),
            new("shm-size", "bytes", "Size of \"/dev/shm\""),
            new("squash", "bool", "Squash newly built layers into a single new layer"),
            new("tag", 't', "list", "Name and optionally a tag in the \"name:tag\" format"),
            new("target", "string", "Set the target build stage to build."),
            new("ulimit", "ulimit", "Ulimit options", "[]"),
        ],
    };

    public static Command History() => new()
    {
        Usages = ["[OPTIONS] IMAGE"],
        Description = "Show the history of an image",
        Aliases = "berth image history, berth history",
        Arguments = Arguments.Exactly(1),
        RunAsync = HistoryCommand.RunAsync,
        Flags =
        [
            new("format", "string", FlagText.TableFormat),
            new("human", 'H', "bool", "Print sizes and dates in human readable format", "true"),
            new("no-trunc", "bool", "Don't truncate output"),
            new("platform", "string",
                "Show history for the given platform. Formatted as \"os[/arch[/variant]]\" (e.g., "
                + "\"linux/amd64\")"),
            new("quiet", 'q', "bool", "Only show image IDs"),
        ],
    };

    public static Command Import() => new()
    {
        Usages = ["[OPTIONS] file|URL|- [REPOSITORY[:TAG]]"],
        Description = "Import the contents from a tarball to create a filesystem image",
        Aliases = "berth image import, berth import",
        Arguments = Arguments.AtLeast(1),
        RunAsync = ImportCommand.RunAsync,
        Flags =
        [
            new("change", 'c', "list", "Apply Dockerfile instruction to the created image"),
            new("message", 'm', "string", "Set commit message for imported image"),
            new("platform", "string", "Set platform if server is multi-platform capable"),
        ],
    };

    public static Command Inspect() => new()
    {
        Usages = ["[OPTIONS] IMAGE [IMAGE...]"],
        Description = "Display detailed information on one or more images",
        Arguments = Arguments.AtLeast(1),
        RunAsync = InspectCommand.ImagesAsync,
        Flags =
        [
            new("format", 'f', "string", FlagText.Format),
            new("platform", "string",
                "Inspect a specific platform of the multi-platform image.\nIf the image or the server is not "
                + "multi-platform capable, the command will error out if the platform does not "
                + "match.\n'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)"),
        ],
    };

    public static Command Load() => new()
    {
        Usages = ["[OPTIONS]"],
        Description = "Load an image from a tar archive or STDIN",
        Aliases = "berth image load, berth load",
        Arguments = Arguments.None,
        RunAsync = SaveLoadCommands.LoadAsync,
        Flags =
        [
            new("input", 'i', "string", "Read from tar archive file, instead of STDIN"),
            new("platform", "string",
                "Load only the given platform variant. Formatted as \"os[/arch[/variant]]\" (e.g., "
                + "\"linux/amd64\")"),
            new("quiet", 'q', "bool", "Suppress the load output"),
        ],
    };

    public static Command Ls() => new()
    {
        Usages = ["[OPTIONS] [REPOSITORY[:TAG]]"],
        Description = "List images",
        Aliases = "berth image ls, berth image list, berth images",
        Arguments = Arguments.Between(0, 1),
        RunAsync = ImageList.RunAsync,
        Flags =
        [
            new("all", 'a', "bool", "Show all images (default hides intermediate images)"),
            new("digests", "bool", "Show digests"),
            new("filter", 'f', "filter", "Filter output based on conditions provided"),
            new("format", "string", FlagText.TableFormat),
            new("no-trunc", "bool", "Don't truncate output"),
            new("quiet", 'q', "bool", "Only show image IDs"),
            new("tree", "bool", "List multi-platform images as a tree (EXPERIMENTAL)"),
        ],
    };

    public static Command Prune() => new()
    {
        Usages = ["[OPTIONS]"],
        Description = "Remove unused images",
        Arguments = Arguments.None,
        RunAsync = PruneCommands.ImagesAsync,
        Flags =
        [
            new("all", 'a', "bool", "Remove all unused images, not just dangling ones"),
            new("filter", "filter", "Provide filter values (e.g. \"until=<timestamp>\")"),
            new("force", 'f', "bool", "Do not prompt for confirmation"),
        ],
    };

    public static Command Pull() => new()
    {
        Usages = ["[OPTIONS] NAME[:TAG|@DIGEST]"],
        Description = "Download an image from a registry",
        Aliases = "berth image pull, berth pull",
        Arguments = Arguments.Exactly(1),
        RunAsync = PullCommand.RunAsync,
        Flags =
        [
            new("all-tags", 'a', "bool", "Download all tagged images in the repository"),
            new("disable-content-trust", "bool", "Skip image verification", "true"),
            new("platform", "string", "Set platform if server is multi-platform capable"),
            new("quiet", 'q', "bool", "Suppress verbose output"),
        ],
    };

    public static Command Push() => new()
    {
        Usages = ["[OPTIONS] NAME[:TAG]"],
        Description = "Upload an image to a registry",
        Aliases = "berth image push, berth push",
        Arguments = Arguments.Exactly(1),
        RunAsync = PushCommand.RunAsync,
        Flags =
        [
            new("all-tags", 'a', "bool", "Push all tags of an image to the repository"),
            new("disable-content-trust", "bool", "Skip image signing", "true"),
            new("platform", "string",
                "Push a platform-specific manifest as a single-platform image to the registry.\nImage index "
                + "won't be pushed, meaning that other manifests, including attestations won't be "
                + "preserved.\n'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)"),
            new("quiet", 'q', "bool", "Suppress verbose output"),
        ],
    };

    public static Command Rm() => new()
    {
        Usages = ["[OPTIONS] IMAGE [IMAGE...]"],
        Description = "Remove one or more images",
        Aliases = "berth image rm, berth image remove, berth rmi",
        Arguments = Arguments.AtLeast(1),
        RunAsync = ImageVerbs.RemoveAsync,
        Flags =
        [
            new("force", 'f', "bool", "Force removal of the image"),
            new("no-prune", "bool", "Do not delete untagged parents"),
            new("platform", "strings",
                "Remove only the given platform variant. Formatted as \"os[/arch[/variant]]\" (e.g., "
                + "\"linux/amd64\")"),
        ],
    };

    public static Command Save() => new()
    {
        Usages = ["[OPTIONS] IMAGE [IMAGE...]"],
        Description = "Save one or more images to a tar archive (streamed to STDOUT by default)",
        Aliases = "berth image save, berth save",
        Arguments = Arguments.AtLeast(1),
        RunAsync = SaveLoadCommands.SaveAsync,
        Flags =
        [
            new("output", 'o', "string", "Write to a file, instead of STDOUT"),
            new("platform", "string",
                "Save only the given platform variant. Formatted as \"os[/arch[/variant]]\" (e.g., "
                + "\"linux/amd64\")"),
        ],
    };

    public static Command Tag() => new()
    {
        Usages = ["SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]"],
        Description = "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
        Aliases = "berth image tag, berth tag",
        Arguments = Arguments.Exactly(2),
        RunAsync = ImageVerbs.TagAsync,
    };
}
