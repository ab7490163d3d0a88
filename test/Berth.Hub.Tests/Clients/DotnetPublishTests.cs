using System.Text.Json;

namespace Berth.Hub.Tests.Clients;

/// <summary>Containers that the .NET SDK makes and pushes by itself.</summary>
public sealed class DotnetPublishTests : IDisposable
{
    private readonly DirectoryInfo _project = Directory.CreateTempSubdirectory("berth-dotnet-");

    public void Dispose() => _project.Delete(recursive: true);

    [Fact]
    public async Task Dotnet_PublishesAContainer_OntoABaseOfTheHub()
    {
        await using HubProgram hub = await HubProgram.StartAsync("--anonymous-push");
        using var image = new SampleImage(layers: 1);
        await ClientProgram.RunAsync(
            "skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", $"oci:{image.Layout}:latest", $"docker://{hub.Host}/test/base:v1");
        await WriteAsync(hub.Host, "test");
        (int code, string output) = await PublishAsync(hub.Host, "v1");
        Assert.True(code == 0, output);
        using JsonDocument published = JsonDocument.Parse(
            await ClientProgram.RunAsync("skopeo", "inspect", "--tls-verify=false", $"docker://{hub.Host}/test/published:v1"));
        Assert.Equal(2, published.RootElement.GetProperty("Layers").GetArrayLength());
    }

    [Fact]
    public async Task Dotnet_PublishesToAPrivateRepository_WithTheRightOnly()
    {
        await using var hub = new AccountHub();
        await hub.InitializeAsync();
        using var image = new SampleImage(layers: 1);
        await ClientProgram.RunAsync(
            "skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", "--dest-creds", $"alice:{hub.Token}",
            $"oci:{image.Layout}:latest", $"docker://{hub.Host}/alice/base:v1");
        await WriteAsync(hub.Host, "alice");
        // By what docker keeps, which is a refresh token, and by variables.
        (int code, string output) = await HubTool.RunAsync(
            "docker", ["--config", _project.FullName, "-H", "unix:///nonexistent/docker.sock", "login", "-u", "alice", "--password-stdin", hub.Host],
            AccountHub.Password);
        Assert.True(code == 0, output);
        (code, output) = await PublishAsync(hub.Host, "v1", ("DOCKER_CONFIG", _project.FullName));
        Assert.True(code == 0, output);
        (code, output) = await PublishAsync(hub.Host, "v2", Account("alice", hub.Token));
        Assert.True(code == 0, output);
        foreach (string tag in new[] { "v1", "v2" })
            await hub.RequireWholeAsync($"alice/published:{tag}", await hub.DigestAsync($"alice/published:{tag}"), $"alice:{hub.PullToken}");
        (code, output) = await PublishAsync(hub.Host, "v3", Account("bob", AccountHub.Password));
        Assert.NotEqual(0, code);
        Assert.Contains("Unable to access the repository 'alice/base'", output, StringComparison.Ordinal);
        (code, output) = await PublishAsync(hub.Host, "v3", Account("alice", hub.PullToken));
        Assert.NotEqual(0, code);
        Assert.Contains("received status code 'Forbidden'", output, StringComparison.Ordinal);
    }

    private static (string, string)[] Account(string user, string secret) =>
        [("DOTNET_CONTAINER_REGISTRY_UNAME", user), ("DOTNET_CONTAINER_REGISTRY_PWORD", secret)];

    private async Task WriteAsync(string host, string owner)
    {
        await File.WriteAllTextAsync(Path.Join(_project.FullName, "hello.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <OutputType>Exe</OutputType>
                <UseAppHost>false</UseAppHost>
                <ContainerBaseImage>{host}/{owner}/base:v1</ContainerBaseImage>
                <ContainerRegistry>{host}</ContainerRegistry>
                <ContainerRepository>{owner}/published</ContainerRepository>
              </PropertyGroup>
            </Project>
            """);
        await File.WriteAllTextAsync(Path.Join(_project.FullName, "Program.cs"), "System.Console.WriteLine(\"hello\");");
    }

    private async Task<(int Code, string Output)> PublishAsync(string host, string tag, params (string, string)[] account)
    {
        (int code, string output, string errors) = await ClientProgram.TryAsync(
            "dotnet", ["publish", _project.FullName, "-t:PublishContainer", $"-p:ContainerImageTag={tag}", "-v", "quiet", "-nologo"],
            [
                ("DOTNET_CONTAINER_INSECURE_REGISTRIES", host), ("DOTNET_CLI_TELEMETRY_OPTOUT", "1"), ("MSBUILDDISABLENODEREUSE", "1"), .. account,
            ]);
        return (code, output + errors);
    }
}
