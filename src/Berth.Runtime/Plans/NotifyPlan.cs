using System.Text.Json;
using Berth.Faults;
using Berth.Linux;
using Berth.Oci.Runtime;

namespace Berth.Runtime.Plans;

/// <summary>Plans who is told of system calls that a filter leaves to somebody else.</summary>
/// <remarks>OCI runtime-spec 1.2, config-linux.md "The Container Process State".</remarks>
internal static class NotifyPlan
{
    /// <summary>Adds the state that goes with the notify descriptor.</summary>
    /// <param name="plan">Takes the socket.</param>
    /// <param name="writer">Takes the state.</param>
    /// <param name="spec">The container's, of which version, annotations and the listener's metadata are told.</param>
    /// <param name="id">The container.</param>
    /// <param name="bundle">Its bundle.</param>
    /// <param name="status"><c>creating</c>, or <c>running</c> for a further process.</param>
    /// <param name="socket">The connection to the listener, or null.</param>
    /// <exception cref="FaultException">NotSupported: the filter has a listener and nobody connected to it.</exception>
    public static void Add(
        Plan plan, PlanWriter writer, RuntimeSpec spec, string id, string? bundle, string status, FileDescriptor? socket)
    {
        if ((writer.Header.FilterFlags & CallFilter.NewListener) == 0)
            return;
        if (socket is null)
            throw new FaultException(FaultKind.NotSupported, "seccomp notify listeners are not supported here");
        writer.Header.NotifySocket = plan.Inherit(socket.Number);
        string metadata = JsonEncodedText.Encode(spec.Linux?.Seccomp?.ListenerMetadata ?? "").ToString();
        string version = JsonEncodedText.Encode(spec.OciVersion).ToString();
        writer.Header.NotifyHead = writer.Text(
            $"{{\"ociVersion\":\"{version}\",\"fds\":[\"seccompFd\"],\"metadata\":\"{metadata}\",\"pid\":");
        writer.Header.NotifyMiddle = writer.Text(",\"state\":{\"pid\":");
        writer.Header.NotifyTail = writer.Text(HookPlan.Rest(spec, id, bundle, status) + "}");
    }
}
