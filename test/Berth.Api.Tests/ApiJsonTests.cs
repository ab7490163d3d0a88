using System.Text.Json;

namespace Berth.Api.Tests;

public sealed class ApiJsonTests
{
    [Fact]
    public void CreateRequest_NullsWhereGoHasZeros_AreZeros()
    {
        CreateContainerRequest request = Read("""
            {"Hostname":null,"Tty":null,"StopTimeout":null,"Env":null,
             "HostConfig":{"Memory":null,"OomScoreAdj":null,"BlkioWeight":null,"LogConfig":{"Type":null,"Config":null}}}
            """);
        Assert.Equal("", request.Hostname);
        Assert.False(request.Tty);
        Assert.Null(request.StopTimeout);
        Assert.Equal(0, request.HostConfig!.Memory);
        Assert.Equal("", request.HostConfig.LogConfig.Type);
    }

    [Fact]
    public void CreateRequest_MissingParts_KeepTheirInitialValues()
    {
        CreateContainerRequest request = Read("""{"HostConfig":{}}""");
        Assert.Equal("", request.Image);
        Assert.NotNull(request.HostConfig!.LogConfig);
        Assert.NotNull(request.HostConfig.RestartPolicy);
    }

    [Fact]
    public void CreateRequest_NamesInAnyCase_AreFound() =>
        Assert.Equal("busybox", Read("""{"image":"busybox"}""").Image);

    [Theory]
    [InlineData("""{"Cmd":"true"}""", new[] { "true" })]
    [InlineData("""{"Cmd":["sh","-c","x"]}""", new[] { "sh", "-c", "x" })]
    [InlineData("""{"Cmd":[]}""", new string[0])]
    public void Command_StringOrList_IsAList(string json, string[] expected) => Assert.Equal(expected, Read(json).Cmd);

    [Theory]
    [InlineData("""{"Cmd":{"a":1}}""")]
    [InlineData("""{"Cmd":[1]}""")]
    [InlineData("""{"Tty":"yes"}""")]
    [InlineData("""{"HostConfig":{"Memory":"1g"}}""")]
    [InlineData("""{"HostConfig":{"Memory":1e30}}""")]
    [InlineData("""{""")]
    public void CreateRequest_WrongTypes_AreRefused(string json) => Assert.ThrowsAny<JsonException>(() => Read(json));

    [Fact]
    public void ContainerConfig_Empty_WritesNullsAndLeavesOutWhatDockerLeavesOut()
    {
        string json = JsonSerializer.Serialize(new ContainerConfig(), ApiJson.Wire.ContainerConfig);
        using JsonDocument document = JsonDocument.Parse(json);
        string[] names = [.. document.RootElement.EnumerateObject().Select(property => property.Name)];
        // As dockerd 28 shows the configuration of a container from an image without any.
        Assert.Equal(
            new[]
            {
                "AttachStderr", "AttachStdin", "AttachStdout", "Cmd", "Domainname", "Entrypoint", "Env", "Hostname", "Image",
                "Labels", "OnBuild", "OpenStdin", "StdinOnce", "Tty", "User", "Volumes", "WorkingDir",
            },
            names.Order(StringComparer.Ordinal));
        Assert.Equal(JsonValueKind.Null, document.RootElement.GetProperty("Cmd").ValueKind);
        Assert.Equal("", document.RootElement.GetProperty("User").GetString());
    }

    [Fact]
    public void HostConfig_Fields_AreThoseOfTheDescription()
    {
        string json = JsonSerializer.Serialize(
            new HostConfig
            {
                Annotations = new Dictionary<string, string>(), StorageOpt = new Dictionary<string, string>(),
                Tmpfs = new Dictionary<string, string>(), Sysctls = new Dictionary<string, string>(), Runtime = "r",
                Mounts = [], Init = true, KernelMemoryTCP = 1,
            },
            ApiJson.Wire.HostConfig);
        using JsonDocument document = JsonDocument.Parse(json);
        // API 1.50: 70 fields of HostConfig, those of Resources included; KernelMemory left the description with 1.42.
        Assert.Equal(70, document.RootElement.EnumerateObject().Count());
    }

    [Fact]
    public void ErrorResponse_Written_IsLowerCase() =>
        Assert.Equal(
            """{"message":"no <such> \"thing\""}""",
            JsonSerializer.Serialize(new ErrorResponse { Message = "no <such> \"thing\"" }, ApiJson.Wire.ErrorResponse));

    [Fact]
    public void ProgressMessage_EmptyDetail_IsAnEmptyObject() =>
        Assert.Equal(
            """{"status":"Waiting","progressDetail":{},"id":"abc"}""",
            JsonSerializer.Serialize(
                new ProgressMessage { Status = "Waiting", Id = "abc", ProgressDetail = new ProgressDetail() },
                ApiJson.Wire.ProgressMessage));

    [Theory]
    [InlineData("2026-11-22T21:38:03.123456789Z", "2026-11-22T21:38:03.1234567Z")]
    [InlineData("2026-11-22T21:38:03+02:00", "2026-11-22T19:38:03Z")]
    [InlineData("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z")]
    [InlineData("", "0001-01-01T00:00:00Z")]
    public void Time_ReadAndWritten_IsGoText(string given, string expected)
    {
        NetworkInspect network = JsonSerializer.Deserialize(
            $$"""{"Created":"{{given}}"}""", ApiJson.Wire.NetworkInspect)!;
        Assert.Equal(expected, GoTimeConverter.Format(network.Created));
    }

    [Theory]
    [InlineData("1.50", true, 1, 50)]
    [InlineData("1.9", true, 1, 9)]
    [InlineData("1.", false, 0, 0)]
    [InlineData(".5", false, 0, 0)]
    [InlineData("1.5.0", false, 0, 0)]
    [InlineData("1.-5", false, 0, 0)]
    [InlineData("1.123456", false, 0, 0)]
    [InlineData("", false, 0, 0)]
    public void ApiVersion_Text_IsReadStrictly(string text, bool valid, int major, int minor)
    {
        Assert.Equal(valid, ApiVersion.TryParse(text, out ApiVersion version));
        Assert.Equal(new ApiVersion(major, minor), version);
    }

    [Fact]
    public void ApiVersion_Order_IsByNumber() => Assert.True(new ApiVersion(1, 9) < new ApiVersion(1, 41));

    private static CreateContainerRequest Read(string json) =>
        JsonSerializer.Deserialize(json, ApiJson.Wire.CreateContainerRequest)!;
}
