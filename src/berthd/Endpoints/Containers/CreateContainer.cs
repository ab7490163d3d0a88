using Berth.Daemon.Http;
using Berth.Daemon.Mapping;
using Berth.Engine;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>201 created; 400, 404 no such image, 409 the name is taken.</summary>
internal static class CreateContainer
{
    public static async Task HandleAsync(ApiCall call)
    {
        Wire.CreateContainerRequest request = await call.ReadJsonAsync(Wire.ApiJson.Wire.CreateContainerRequest)
            ?? throw FaultException.Invalid("config cannot be empty in order to create a container");
        IReadOnlyList<string> hints = OlderClients.Adjust(
            request, call.Version, isCgroupVersion2: File.Exists("/sys/fs/cgroup/cgroup.controllers"));
        Wire.HostConfig host = request.HostConfig!;
        CreatedContainer created = await call.Engine.Containers.CreateAsync(
            new Engine.CreateContainer
            {
                ReadOnlyIsFlat = OlderClients.ReadOnlyIsFlat(call.Version),
                Name = call.Query.TextOrNull("name"),
                Platform = References.ParsePlatform(call.Query.Text("platform")),
                Config = request.ToSettings(),
                Host = host.ToSettings(),
                Networks = (request.NetworkingConfig?.EndpointsConfig ?? new Dictionary<string, Wire.EndpointSettings?>())
                    .ToDictionary(pair => pair.Key, pair => pair.Value.ToSettings()),
            },
            call.Cancelled);
        await call.WriteJsonAsync(
            new Wire.CreateContainerResponse { Id = created.Id, Warnings = [.. hints, .. created.Warnings, .. Discarded(host)] },
            Wire.ApiJson.Wire.CreateContainerResponse, StatusCodes.Status201Created);
    }

    // Limits that no kernel this engine runs on still has.
    private static IEnumerable<string> Discarded(Wire.HostConfig host)
    {
        if (host.KernelMemory != 0)
            yield return "Your kernel does not support kernel memory limit. Limitation discarded.";
        if (host.KernelMemoryTCP != 0)
            yield return "Your kernel does not support kernel memory TCP limit. Limitation discarded.";
    }
}
