using System.Text.Json;

namespace Berth.Hub.Tests.Clients;

public sealed class DotnetPublishTests
{
    [Fact]
    public async Task Dotnet_PublishesAContainer_OntoABaseOfTheHub()
    {
        await using HubProgram hub = await HubProgram.StartAsync("--anonymous-push");
        using var image = new SampleImage(layers: 1);
        await ClientProgram.RunAsync(
            "skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", $"oci:{image.Layout}:latest", $"docker://{hub.Host}/test/base:v1");
        DirectoryInfo project = Directory.CreateTempSubdirectory("berth-dotnet-");
        try
        {
            await File.WriteAllTextAsync(Path.Join(project.FullName, "hello.csproj"), $"""
                <Project Sdk="Microsoft.NET.Sdk">
                  <PropertyGroup>
                    <TargetFramework>net10.0</TargetFramework>
                    <OutputType>Exe</OutputType>
                    <UseAppHost>false</UseAppHost>
                    <ContainerBaseImage>{hub.Host}/test/base:v1</ContainerBaseImage>
                    <ContainerRegistry>{hub.Host}</ContainerRegistry>
                    <ContainerRepository>test/published</ContainerRepository>
                    <ContainerImageTag>v1</ContainerImageTag>
                  </PropertyGroup>
                </Project>
                """);
            await File.WriteAllTextAsync(Path.Join(project.FullName, "Program.cs"), "System.Console.WriteLine(\"hello\");");
            (int code, string output, string errors) = await ClientProgram.TryAsync(
                "dotnet", ["publish", project.FullName, "-t:PublishContainer", "-v", "quiet", "-nologo"],
                ("DOTNET_CONTAINER_INSECURE_REGISTRIES", hub.Host), ("DOTNET_CLI_TELEMETRY_OPTOUT", "1"), ("MSBUILDDISABLENODEREUSE", "1"));
            Assert.True(code == 0, output + errors);
            using JsonDocument published = JsonDocument.Parse(
                await ClientProgram.RunAsync("skopeo", "inspect", "--tls-verify=false", $"docker://{hub.Host}/test/published:v1"));
            Assert.Equal(2, published.RootElement.GetProperty("Layers").GetArrayLength());
        }
        finally
        {
            project.Delete(recursive: true);
        }
    }
}
