using Berth.Oci;
using Berth.Daemon.Http;
using Berth.Daemon.Mapping;

namespace Berth.Daemon.Tests;

/// <summary>What a request means in the version of the API in which it is asked. Engine API, version-history.md.</summary>
public sealed class OlderClientsTests : IAsyncLifetime
{
    private RunningServer _server = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync(Cancel);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData("1.39", "shareable", "host", true)]
    [InlineData("1.40", null, "host", true)]
    [InlineData("1.41", null, null, true)]
    [InlineData("1.43", null, null, true)]
    [InlineData("1.44", null, null, false)]
    public void Defaults_OfEachVersion_AreThoseItsClientsCountOn(string version, string? ipc, string? cgroups, bool isFlat)
    {
        var request = new Wire.CreateContainerRequest();
        Assert.Empty(OlderClients.Adjust(request, Version(version), isCgroupVersion2: false));
        Assert.Equal((ipc ?? "", cgroups ?? ""), (request.HostConfig!.IpcMode, request.HostConfig.CgroupnsMode));
        Assert.Equal(isFlat, OlderClients.ReadOnlyIsFlat(Version(version)));
        Assert.Equal("", Adjusted("1.40", isCgroupVersion2: true).HostConfig!.CgroupnsMode);
    }

    [Theory]
    [InlineData("1.41", "1.42", "ConsoleSize")]
    [InlineData("1.42", "1.43", "Annotations")]
    [InlineData("1.43", "1.44", "StartInterval")]
    [InlineData("1.43", "1.44", "EndpointMac")]
    [InlineData("1.47", "1.48", "GwPriority")]
    [InlineData("1.41", "1.42", "CreateMountpoint")]
    [InlineData("1.39", "1.40", "NonRecursive")]
    public void Field_BeforeItsVersion_IsLeftOut(string before, string since, string field)
    {
        Assert.False(Has(Full(before), field));
        Assert.True(Has(Full(since), field));

        static bool Has(Wire.CreateContainerRequest request, string field) => field switch
        {
            "ConsoleSize" => request.HostConfig!.ConsoleSize is not null,
            "Annotations" => request.HostConfig!.Annotations is not null,
            "StartInterval" => request.Healthcheck!.StartInterval != 0,
            "EndpointMac" => request.NetworkingConfig!.EndpointsConfig!["n"]!.MacAddress.Length > 0,
            "GwPriority" => request.NetworkingConfig!.EndpointsConfig!["n"]!.GwPriority != 0,
            "CreateMountpoint" => request.HostConfig!.Mounts![0].BindOptions!.CreateMountpoint,
            _ => request.HostConfig!.Mounts![0].BindOptions!.NonRecursive,
        };
    }

    [Theory]
    [InlineData("1.43", """{"HostConfig":{"Mounts":[{"Type":"bind","BindOptions":{"ReadOnlyForceRecursive":true}}]}}""",
        "BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer")]
    [InlineData("1.44", """{"HostConfig":{"Mounts":[{"Type":"volume","VolumeOptions":{"Subpath":"a"}}]}}""",
        "VolumeOptions.Subpath needs API v1.45 or newer")]
    [InlineData("1.45", """{"HostConfig":{"Mounts":[{"Type":"tmpfs","TmpfsOptions":{"Options":[["exec"]]}}]}}""",
        "TmpfsOptions.Options needs API v1.46 or newer")]
    [InlineData("1.42", """{"HostConfig":{"Mounts":[{"Type":"volume","BindOptions":{"NonRecursive":true}}]}}""",
        "invalid mount config for type \\\"volume\\\": field BindOptions must not be specified")]
    [InlineData("1.43", """{"NetworkingConfig":{"EndpointsConfig":{"a":{},"b":{}}}}""",
        "Container cannot be created with multiple network endpoints: a, b")]
    [InlineData("1.44", """
        {"MacAddress":"02:42:00:00:00:01","HostConfig":{"NetworkMode":"n"},
         "NetworkingConfig":{"EndpointsConfig":{"n":{"MacAddress":"02:42:00:00:00:02"}}}}
        """, "the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty")]
    [InlineData("1.43", """{"MacAddress":"02:42:00:00:00:01","HostConfig":{"NetworkMode":"host"}}""",
        "conflicting options: mac-address and the network mode")]
    public async Task Create_WhatTheVersionDoesNotHave_Is400(string version, string body, string message)
    {
        string answer = await _server.AskAsync("POST", $"/v{version}/containers/create", Cancel, body);
        Assert.StartsWith("HTTP/1.1 400 ", answer);
        Assert.Contains(message, answer);
    }

    [Theory]
    [InlineData("POST", "/v1.50/containers/x/start?checkpoint=c", null, "501", "checkpoints are not supported")]
    [InlineData("DELETE", "/v1.50/images/x?platforms=%7B%22os%22:%22a%22%7D&platforms=%7B%22os%22:%22b%22%7D", null, "400",
        "specifying multiple platforms is not supported")]
    [InlineData("GET", "/v1.50/networks/x?scope=swarm", null, "404", "network x not found")]
    public async Task Request_WhatIsNotOffered_IsSaidAndNotIgnored(string method, string path, string? body, string status, string message)
    {
        string answer = await _server.AskAsync(method, path, Cancel, body);
        Assert.StartsWith($"HTTP/1.1 {status} ", answer);
        Assert.Contains(message, answer);
    }

    [Fact]
    public async Task Create_ContainerWideMac_IsTakenWithAWarning()
    {
        string answer = await _server.AskAsync("POST", "/v1.44/containers/create", Cancel, """{"MacAddress":"02:42:00:00:00:01"}""");
        Assert.Contains("The container-wide MacAddress field is now deprecated.", answer);
        Assert.Equal("02:42:00:00:00:01", _server.Engine.FakeContainers.Created!.Config.MacAddress);
        Assert.False(_server.Engine.FakeContainers.Created.ReadOnlyIsFlat);
    }

    [Theory]
    [InlineData("1.42", "<none>:<none>", "<none>@<none>")]
    [InlineData("1.43", null, null)]
    public void ImageWithoutNames_BeforeTheyCouldBeEmpty_HasDockersPlaceholders(string version, string? tag, string? digest)
    {
        Wire.ImageSummary image = new Engine.ImageSummary { Id = Digest.Parse("sha256:" + new string('a', 64)) }.ToWire(Version(version));
        Assert.Equal(tag is null ? [] : [tag], image.RepoTags);
        Assert.Equal(digest is null ? [] : [digest], image.RepoDigests);
    }

    [Theory]
    [InlineData("1.43", "02:42:00:00:00:01", new[] { "web", "aaaaaaaaaaaa", "host" })]
    [InlineData("1.44", null, new[] { "web", "aaaaaaaaaaaa", "host" })]
    [InlineData("1.45", null, new[] { "web" })]
    public void Inspect_AliasesAndMac_AreWhereTheVersionHasThem(string version, string? mac, string[] aliases)
    {
        Wire.ContainerInspect shown = new Wire.ContainerInspect
        {
            Id = new string('a', 64),
            DesiredMac = "02:42:00:00:00:01",
            Config = new Wire.ContainerConfig { Hostname = "host" },
            HostConfig = new Wire.HostConfig { NetworkMode = "n" },
            NetworkSettings = new Wire.NetworkSettings
            {
                Networks = new Dictionary<string, Wire.EndpointSettings>
                {
                    ["n"] = new() { Aliases = ["web"] }, ["bridge"] = new(),
                },
            },
        }.Show(Version(version));
        Assert.Equal(mac, shown.Config!.MacAddress);
        Assert.Equal(aliases, shown.NetworkSettings!.Networks["n"].Aliases);
        Assert.Null(shown.NetworkSettings.Networks["bridge"].Aliases);
    }

    [Theory]
    [InlineData("""{"label":["a"],"name":["x","y"]}""")]
    [InlineData("""{"label":{"a":true},"name":{"x":true,"y":true}}""")]
    public void Filters_BothForms_AreTheSame(string json)
    {
        var query = new QueryValues(new Microsoft.AspNetCore.Http.QueryCollection(
            new Dictionary<string, Microsoft.Extensions.Primitives.StringValues> { ["filters"] = json }));
        Engine.FilterSet filters = query.Filters("label", "name");
        Assert.Equal(["a"], filters["label"]);
        Assert.Equal(["x", "y"], filters["name"]);
    }

    private static Wire.ApiVersion Version(string text) =>
        Wire.ApiVersion.TryParse(text, out Wire.ApiVersion version) ? version : throw new ArgumentException(text);

    private static Wire.CreateContainerRequest Adjusted(string version, bool isCgroupVersion2)
    {
        var request = new Wire.CreateContainerRequest();
        OlderClients.Adjust(request, Version(version), isCgroupVersion2);
        return request;
    }

    private static Wire.CreateContainerRequest Full(string version)
    {
        var request = new Wire.CreateContainerRequest
        {
            Healthcheck = new Wire.HealthConfig { StartInterval = 5 },
            HostConfig = new Wire.HostConfig
            {
                ConsoleSize = [24, 80],
                Annotations = new Dictionary<string, string> { ["a"] = "b" },
                Mounts =
                [
                    new Wire.Mount { Type = "bind", BindOptions = new Wire.BindOptions { NonRecursive = true, CreateMountpoint = true } },
                ],
            },
            NetworkingConfig = new Wire.NetworkingConfig
            {
                EndpointsConfig = new Dictionary<string, Wire.EndpointSettings?>
                {
                    ["n"] = new() { MacAddress = "02:42:00:00:00:01", GwPriority = 5 },
                },
            },
        };
        OlderClients.Adjust(request, Version(version), isCgroupVersion2: true);
        return request;
    }
}
