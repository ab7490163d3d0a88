using System.Text;

namespace Berth.Unified.Tests;

/// <summary>The same machine with systemd as its first process, and a bus. It runs <c>Programs/systemd.sh</c>.</summary>
public sealed class SystemdMachine : Machine
{
    // What systemd needs to boot into one unit; all else of it would only take time.
    private static readonly (string Path, string Text)[] s_files =
    [
        ("etc/containers/containers.conf", "[containers]\n"
            + "default_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\nlog_driver = \"k8s-file\"\n"
            + "[engine]\nconmon_path = [\"/bin/conmon\"]\nevents_logger = \"file\"\n[engine.runtimes]\nberth = [\"/bin/berth-runtime\"]\n"),
        ("etc/containers/storage.conf", "[storage]\ndriver = \"vfs\"\nrunroot = \"/run/podman\"\ngraphroot = \"/run/podman-graph\"\n"),
        ("etc/containers/policy.json", "{\"default\": [{\"type\": \"insecureAcceptAnything\"}]}\n"),
        ("etc/machine-id", "0123456789abcdef0123456789abcdef\n"),
        ("etc/passwd", "root:x:0:0::/:/bin/sh\nmessagebus:x:100:100::/:/bin/sh\nsailor:x:1000:1000::/home/sailor:/bin/sh\n"),
        ("etc/group", "root:x:0:\nmessagebus:x:100:\nsailor:x:1000:\n"),
        ("etc/subuid", "sailor:100000:65536\n"), ("etc/subgid", "sailor:100000:65536\n"),
        ("etc/nsswitch.conf", "passwd: files\ngroup: files\n"),
        ("etc/systemd/system/default.target", "[Unit]\nDefaultDependencies=no\nRequires=checks.service\n"),
        ("etc/systemd/system/checks.service", "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=/checks.sh\n"
            + "StandardOutput=tty\nStandardError=tty\nTTYPath=/dev/console\nTimeoutStartSec=infinity\n"),
        // What a login would start, without the modules of a login.
        ("etc/systemd/system/sailor.service", "[Unit]\nDefaultDependencies=no\n[Service]\nType=notify\nUser=sailor\nDelegate=yes\n"
            + "Environment=XDG_RUNTIME_DIR=/run/user/1000 HOME=/home/sailor\n"
            + "ExecStart=/bin/systemd --user --unit=nothing.target\n"),
        ("etc/systemd/user/nothing.target", "[Unit]\nDefaultDependencies=no\n"),
        ("etc/systemd/system/dbus.socket", "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/dbus/system_bus_socket\n"),
        ("etc/systemd/system/dbus.service", "[Unit]\nDefaultDependencies=no\nRequires=dbus.socket\n[Service]\n"
            + "StandardError=tty\nTTYPath=/dev/console\n"
            + "ExecStart=/bin/dbus-daemon --config-file=/etc/dbus-1/bus.conf --address=systemd: --nofork --nopidfile\n"),
        ("etc/dbus-1/bus.conf", "<busconfig><type>system</type><user>messagebus</user><auth>EXTERNAL</auth>"
            + "<listen>unix:path=/run/dbus/none</listen><policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>"
            + "<allow send_type=\"method_call\"/><allow send_type=\"signal\"/>"
            + "<allow send_requested_reply=\"true\" send_type=\"method_return\"/>"
            + "<allow send_requested_reply=\"true\" send_type=\"error\"/><allow receive_type=\"signal\"/>"
            + "<allow receive_type=\"method_return\"/><allow receive_type=\"error\"/><allow receive_type=\"method_call\"/></policy>"
            + "</busconfig>\n"),
    ];

    /// <summary>All checks in the script's order.</summary>
    public static TheoryData<string> SystemdChecks => ChecksIn("systemd.sh");

    /// <inheritdoc/>
    protected override string ScriptName => "systemd.sh";

    protected override bool HasQuotas => false;

    /// <inheritdoc/>
    protected override IReadOnlyList<string> Programs =>
        [.. base.Programs, "/usr/lib/systemd/systemd", "/usr/bin/systemctl", "/usr/bin/dbus-daemon", "/usr/bin/podman", "/usr/bin/conmon",
            "/usr/sbin/dockerd", "/usr/bin/containerd", "/usr/bin/containerd-shim-runc-v2"];

    /// <inheritdoc/>
    private protected override Task AddMoreAsync(InitialTree tree)
    {
        // Debian's places for programs and libraries are all ours.
        tree.AddLink("usr", ".");
        tree.AddLink("sbin", "bin");
        tree.AddLink("lib/berth/systemd", ".");
        foreach ((string path, string text) in s_files)
            tree.AddFile(path, Encoding.UTF8.GetBytes(text), isExecutable: false);
        tree.AddLink("lib/systemd/systemd", "../../bin/systemd");
        tree.AddLink("first", "bin/systemd");
        return Task.CompletedTask;
    }
}
