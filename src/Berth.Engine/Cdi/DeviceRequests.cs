using Berth.Faults;

namespace Berth.Engine.Cdi;

/// <summary>Requests for devices (<c>--gpus</c>, <c>--device vendor.com/class=name</c>) as names of described devices.</summary>
internal static class DeviceRequests
{
    private const string NvidiaKind = "nvidia.com/gpu";
    private const string AllDevices = "all";

    // What nvidia's driver says that it can.
    private static readonly string[] s_nvidiaCapabilities =
        ["gpu", "nvidia", "compute", "compat32", "graphics", "utility", "video", "display", "ngx"];

    /// <summary>The devices that a container asks for, in order.</summary>
    /// <exception cref="FaultException">InvalidArgument, with Docker's texts: nothing here has such devices.</exception>
    public static IReadOnlyList<FoundDevice> Resolve(IReadOnlyList<DeviceRequest> requests, CdiDevices known) =>
        [.. requests.SelectMany(request => request.Driver == "cdi" ? Named(request, known) : Gpus(request, known)).Distinct()];

    private static IReadOnlyList<FoundDevice> Named(DeviceRequest request, CdiDevices known)
    {
        if (request.Count != 0)
            throw FaultException.Invalid("unexpected count in CDI device request");
        if (request.Options is { Count: > 0 })
            throw FaultException.Invalid("unexpected options in CDI device request");
        return Find(request.DeviceIds, known);
    }

    private static IReadOnlyList<FoundDevice> Find(IReadOnlyList<string> names, CdiDevices known)
    {
        string[] missing = [.. names.Where(name => known.Find(name) is null)];
        if (missing.Length == 0)
            return [.. names.Select(name => known.Find(name)!)];
        string why = known.Problems.Count > 0 ? $" ({string.Join("; ", known.Problems)})" : "";
        throw FaultException.Invalid($"CDI device injection failed: unresolvable CDI devices {string.Join(", ", missing)}{why}");
    }

    // Whichever alternative of the capabilities nvidia's driver has; without a description of its devices, nothing here has it.
    private static IReadOnlyList<FoundDevice> Gpus(DeviceRequest request, CdiDevices known)
    {
        FoundDevice[] gpus = [.. known.All.Where(device => device.Spec.Kind == NvidiaKind)];
        bool isCapable = request.Capabilities.Any(
            wanted => wanted.Contains("gpu") && wanted.All(capability => s_nvidiaCapabilities.Contains(capability)));
        if (gpus.Length == 0 || request.Driver is not ("" or "nvidia") || !isCapable)
            throw FaultException.Invalid($"could not select device driver \"{request.Driver}\" with capabilities: "
                + $"[{string.Join(' ', request.Capabilities.Select(all => $"[{string.Join(' ', all)}]"))}]");
        if (request.DeviceIds.Count > 0)
        {
            if (request.Count != 0)
                throw FaultException.Invalid("cannot set both Count and DeviceIDs on device request");
            return Find([.. request.DeviceIds.Select(id => CdiDevices.IsFullName(id) ? id : $"{NvidiaKind}={id}")], known);
        }
        if (request.Count < 0)
            return gpus.FirstOrDefault(gpu => gpu.Device.Name == AllDevices) is { } all ? [all] : gpus;
        return Find([.. Enumerable.Range(0, request.Count).Select(number => $"{NvidiaKind}={number}")], known);
    }
}
