using Berth.Faults;
using Berth.Linux;
using Berth.Oci.Json;
using Berth.Oci.Runtime;
using Berth.Runtime.Bundles;
using Berth.RuntimeProgram.CommandLine;

namespace Berth.RuntimeProgram.Verbs;

/// <summary><c>create</c> and <c>run</c>.</summary>
internal static class CreateVerbs
{
    private const string ConfigName = "config.json";

    private static readonly Option[] s_options =
    [
        Option.Value("bundle", "the bundle's directory (default: the current one)", "b"),
        Option.Value("console-socket", "socket that gets the terminal's other side"),
        Option.Value("pidfd-socket", "socket that gets a handle of the first process, a pidfd"),
        Option.Value("pid-file", "file for the pid of the first process"),
        Option.Flag("no-pivot", "change the root without pivot_root, for roots on an initial ramfs"),
        Option.Flag("no-new-keyring", "keep the caller's session keyring"),
        Option.Value("preserve-fds", "pass that many further descriptors, from 3 on"),
    ];

    /// <summary><c>create</c>.</summary>
    public static Verb Create => new()
    {
        Name = "create",
        Summary = "makes a container; its program waits for start",
        Options = s_options,
        Run = static call =>
        {
            using BundleRuntime runtime = call.Open();
            runtime.Create(Request(call));
            return 0;
        },
    };

    /// <summary><c>run</c>.</summary>
    public static Verb Run => new()
    {
        Name = "run",
        Summary = "makes a container, starts it, and removes it when it has ended",
        Options =
        [
            .. s_options,
            Option.Flag("detach", "do not wait for the end, and remove nothing", "d"),
            Option.Flag("keep", "do not remove the container when it has ended"),
            Option.Flag("no-subreaper", "do not become the parent of what the container's processes leave behind"),
        ],
        Run = RunContainer,
    };

    private static int RunContainer(Call call)
    {
        BundleRequest request = Request(call);
        bool detached = call.Arguments.Has("detach");
        bool terminal = request.Spec.Process?.Terminal == true;
        if (terminal && detached && request.ConsoleSocket is null)
            throw FaultException.Invalid("cannot allocate tty if container will detach without setting console socket");
        if (!detached && request.ConsoleSocket is not null)
            throw FaultException.Invalid("cannot use console socket if container will not detach");
        using BundleRuntime runtime = call.Open();
        if (detached)
        {
            runtime.Run(request);
            return 0;
        }
        using Foreground foreground = new(subreaper: !call.Arguments.Has("no-subreaper"));
        (int pid, FileDescriptor? master) = runtime.Run(request);
        using (master)
        {
            int code = foreground.Await(pid, master);
            if (!call.Arguments.Has("keep"))
                runtime.Delete(request.Id, force: true);
            return code;
        }
    }

    private static BundleRequest Request(Call call)
    {
        string bundle = Path.GetFullPath(call.Arguments.Value("bundle") ?? ".");
        int activated = PassedDescriptors.Activated(Environment.GetEnvironmentVariable);
        return new BundleRequest
        {
            Id = call.Id,
            Bundle = bundle,
            Spec = PassedDescriptors.Tell(ReadSpec(bundle), activated),
            ConsoleSocket = Nonempty(call.Arguments.Value("console-socket")),
            ProcessSocket = Nonempty(call.Arguments.Value("pidfd-socket")),
            PidFile = Nonempty(call.Arguments.Value("pid-file")),
            NoPivot = call.Arguments.Has("no-pivot"),
            NoNewKeyring = call.Arguments.Has("no-new-keyring"),
            PreservedDescriptors = PassedDescriptors.Count(call, activated),
        };
    }

    private static string? Nonempty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    /// <summary>A bundle's configuration.</summary>
    /// <exception cref="FaultException">NotFound: there is none. InvalidArgument: it is none.</exception>
    public static RuntimeSpec ReadSpec(string bundle)
    {
        string path = Path.Join(bundle, ConfigName);
        if (Directory.Exists(path))
            throw FaultException.Invalid($"JSON specification file {path} is a directory");
        if (!File.Exists(path))
            throw FaultException.NotFound($"JSON specification file {path} not found");
        return RuntimeJson.ReadSpec(File.ReadAllBytes(path), path);
    }
}
