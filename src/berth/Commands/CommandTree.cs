using Berth.Cli.Parsing;

namespace Berth.Cli.Commands;

/// <summary>A name in the tree of commands: a group, or a command that is built when it is chosen.</summary>
internal sealed record Entry(string Name, string Summary, Func<Command>? Build = null)
{
    public Entry[] Children { get; init; } = [];

    /// <summary>Other names it answers to.</summary>
    public string[] Aliases { get; init; } = [];

    public bool Answers(string name) => Name == name || Array.IndexOf(Aliases, name) >= 0;
}

/// <summary>All commands. Only names stand here: options are built for the one command that runs.</summary>
internal static class CommandTree
{
    public static Entry[] Common { get; } =
    [
        new("run", "Create and run a new container from an image", ContainerCatalog.Run),
        new("exec", "Execute a command in a running container", ContainerCatalog.Exec),
        new("ps", "List containers", ContainerCatalog.Ls),
        new("build", "Build an image from a Dockerfile", ImageCatalog.Build),
        new("pull", "Download an image from a registry", ImageCatalog.Pull),
        new("push", "Upload an image to a registry", ImageCatalog.Push),
        new("images", "List images", ImageCatalog.Ls),
        new("login", "Authenticate to a registry", TopCatalog.Login),
        new("logout", "Log out from a registry", TopCatalog.Logout),
        new("search", "Search Docker Hub for images", TopCatalog.Search),
        new("tags", "List the tags of a repository at its registry", TopCatalog.Tags),
        new("version", "Show the Berth version information", TopCatalog.Version),
        new("info", "Display system-wide information", SystemCatalog.Info),
    ];

    public static Entry[] Management { get; } =
    [
        new("builder", "Manage builds")
        {
            Children =
            [
                new("build", "Build an image from a Dockerfile", ImageCatalog.Build),
                new("prune", "Remove build cache", TopCatalog.BuilderPrune),
            ],
        },
        new("completion", "Generate the autocompletion script for the specified shell")
        {
            Children =
            [
                new("bash", "Generate the autocompletion script for bash", CompletionCommand.Bash),
                new("fish", "Generate the autocompletion script for fish", CompletionCommand.Fish),
                new("powershell", "Generate the autocompletion script for powershell", CompletionCommand.PowerShell),
                new("zsh", "Generate the autocompletion script for zsh", CompletionCommand.Zsh),
            ],
        },
        new("container", "Manage containers") { Children = Container },
        new("context", "Manage contexts")
        {
            Children =
            [
                new("create", "Create a context", ContextCatalog.Create),
                new("export", "Export a context to a tar archive FILE or a tar stream on STDOUT.", ContextCatalog.Export),
                new("import", "Import a context from a tar file", ContextCatalog.Import),
                new("inspect", "Display detailed information on one or more contexts", ContextCatalog.Inspect),
                new("ls", "List contexts", ContextCatalog.Ls) { Aliases = ["list"] },
                new("rm", "Remove one or more contexts", ContextCatalog.Rm) { Aliases = ["remove"] },
                new("show", "Print the name of the current context", ContextCatalog.Show),
                new("update", "Update a context", ContextCatalog.Update),
                new("use", "Set the current docker context", ContextCatalog.Use),
            ],
        },
        new("image", "Manage images") { Children = Image },
        new("manifest", "Manage image manifests and manifest lists")
        {
            Children =
            [
                new("annotate", "Add additional information to a local image manifest", ManifestCatalog.Annotate),
                new("create", "Create a local manifest list for annotating and pushing to a registry", ManifestCatalog.Create),
                new("inspect", "Display an image manifest, or manifest list", ManifestCatalog.Inspect),
                new("push", "Push a manifest list to a repository", ManifestCatalog.Push),
                new("rm", "Delete one or more manifest lists from local storage", ManifestCatalog.Rm),
            ],
        },
        new("network", "Manage networks")
        {
            Children =
            [
                new("connect", "Connect a container to a network", NetworkCatalog.Connect),
                new("create", "Create a network", NetworkCatalog.Create),
                new("disconnect", "Disconnect a container from a network", NetworkCatalog.Disconnect),
                new("inspect", "Display detailed information on one or more networks", NetworkCatalog.Inspect),
                new("ls", "List networks", NetworkCatalog.Ls) { Aliases = ["list"] },
                new("prune", "Remove all unused networks", NetworkCatalog.Prune),
                new("rm", "Remove one or more networks", NetworkCatalog.Rm) { Aliases = ["remove"] },
            ],
        },
        new("system", "Manage Berth")
        {
            Children =
            [
                new("df", "Show docker disk usage", SystemCatalog.Df),
                new("dial-stdio", "Proxy the stdio stream to the daemon connection", SystemCatalog.DialStdio),
                new("events", "Get real time events from the server", SystemCatalog.Events),
                new("info", "Display system-wide information", SystemCatalog.Info),
                new("prune", "Remove unused data", SystemCatalog.Prune),
            ],
        },
        new("volume", "Manage volumes")
        {
            Children =
            [
                new("create", "Create a volume", VolumeCatalog.Create),
                new("inspect", "Display detailed information on one or more volumes", VolumeCatalog.Inspect),
                new("ls", "List volumes", VolumeCatalog.Ls) { Aliases = ["list"] },
                new("prune", "Remove unused local volumes", VolumeCatalog.Prune),
                new("rm", "Remove one or more volumes", VolumeCatalog.Rm) { Aliases = ["remove"] },
                new("update", "Update a volume (cluster volumes only)", VolumeCatalog.Update),
            ],
        },
    ];

    public static Entry[] Others { get; } =
    [
        .. Container.Where(static e => e.Name is not ("run" or "exec" or "ls" or "inspect" or "prune")),
        new("events", "Get real time events from the server", SystemCatalog.Events),
        new("history", "Show the history of an image", ImageCatalog.History),
        new("import", "Import the contents from a tarball to create a filesystem image", ImageCatalog.Import),
        new("inspect", "Return low-level information on Docker objects", TopCatalog.Inspect),
        new("load", "Load an image from a tar archive or STDIN", ImageCatalog.Load),
        new("rmi", "Remove one or more images", ImageCatalog.Rm),
        new("save", "Save one or more images to a tar archive (streamed to STDOUT by default)", ImageCatalog.Save),
        new("tag", "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE", ImageCatalog.Tag),
    ];

    private static Entry[] Container =>
    [
        new("attach", "Attach local standard input, output, and error streams to a running container", ContainerCatalog.Attach),
        new("commit", "Create a new image from a container's changes", ContainerCatalog.Commit),
        new("cp", "Copy files/folders between a container and the local filesystem", ContainerCatalog.Cp),
        new("create", "Create a new container", ContainerCatalog.Create),
        new("diff", "Inspect changes to files or directories on a container's filesystem", ContainerCatalog.Diff),
        new("exec", "Execute a command in a running container", ContainerCatalog.Exec),
        new("export", "Export a container's filesystem as a tar archive", ContainerCatalog.Export),
        new("inspect", "Display detailed information on one or more containers", ContainerCatalog.Inspect),
        new("kill", "Kill one or more running containers", ContainerCatalog.Kill),
        new("logs", "Fetch the logs of a container", ContainerCatalog.Logs),
        new("ls", "List containers", ContainerCatalog.Ls) { Aliases = ["list", "ps"] },
        new("pause", "Pause all processes within one or more containers", ContainerCatalog.Pause),
        new("port", "List port mappings or a specific mapping for the container", ContainerCatalog.Port),
        new("prune", "Remove all stopped containers", ContainerCatalog.Prune),
        new("rename", "Rename a container", ContainerCatalog.Rename),
        new("restart", "Restart one or more containers", ContainerCatalog.Restart),
        new("rm", "Remove one or more containers", ContainerCatalog.Rm) { Aliases = ["remove"] },
        new("run", "Create and run a new container from an image", ContainerCatalog.Run),
        new("start", "Start one or more stopped containers", ContainerCatalog.Start),
        new("stats", "Display a live stream of container(s) resource usage statistics", ContainerCatalog.Stats),
        new("stop", "Stop one or more running containers", ContainerCatalog.Stop),
        new("top", "Display the running processes of a container", ContainerCatalog.Top),
        new("unpause", "Unpause all processes within one or more containers", ContainerCatalog.Unpause),
        new("update", "Update configuration of one or more containers", ContainerCatalog.Update),
        new("wait", "Block until one or more containers stop, then print their exit codes", ContainerCatalog.Wait),
    ];

    private static Entry[] Image =>
    [
        new("bootstrap", "Make a base image from a distribution's signed packages", BootstrapCommand.Define),
        new("build", "Build an image from a Dockerfile", ImageCatalog.Build),
        new("history", "Show the history of an image", ImageCatalog.History),
        new("import", "Import the contents from a tarball to create a filesystem image", ImageCatalog.Import),
        new("inspect", "Display detailed information on one or more images", ImageCatalog.Inspect),
        new("load", "Load an image from a tar archive or STDIN", ImageCatalog.Load),
        new("ls", "List images", ImageCatalog.Ls) { Aliases = ["list"] },
        new("prune", "Remove unused images", ImageCatalog.Prune),
        new("pull", "Download an image from a registry", ImageCatalog.Pull),
        new("push", "Upload an image to a registry", ImageCatalog.Push),
        new("rm", "Remove one or more images", ImageCatalog.Rm) { Aliases = ["remove"] },
        new("save", "Save one or more images to a tar archive (streamed to STDOUT by default)", ImageCatalog.Save),
        new("tag", "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE", ImageCatalog.Tag),
    ];

    /// <summary>The entry of a name at the top, or null.</summary>
    public static Entry? Find(string name) =>
        Array.Find(Common, e => e.Answers(name)) ?? Array.Find(Management, e => e.Answers(name)) ?? Array.Find(
            Others, e => e.Answers(name));

    /// <summary>Docker's words that are known and not offered.</summary>
    public static bool IsRefused(string name) => Reason(name).Length > 0;

    /// <summary>Why such a word is not offered, and what to do instead; empty for others.</summary>
    public static string Reason(string name) => name switch
    {
        "swarm" or "node" or "service" or "stack" or "secret" or "config" =>
            "Berth runs on one machine and leaves clusters to Kubernetes",
        "trust" => "Notary is retired: images are pinned by digest, name@sha256:…",
        "plugin" => "engine plugins are not offered: volumes, networks and logs have their drivers built in",
        "checkpoint" => "containers cannot be checkpointed: stop them, or commit their files",
        _ => "",
    };
}
