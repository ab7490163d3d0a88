using Berth.Engine.Cdi;
using Berth.Faults;
using Berth.Oci.Runtime;

namespace Berth.Engine.Tests;

/// <summary>Devices by name, by descriptions in files (CDI), and what becomes of them in a container's specification.</summary>
public sealed class DescribedDeviceTests : IDisposable
{
    private const string Yaml = """
        # As vendors' tools write them.
        cdiVersion: "0.5.0"
        kind: acme.test/thing
        devices:
        - name: "0"
          containerEdits:
            deviceNodes:
            - path: /dev/thing0
              hostPath: /dev/zero
              permissions: rw
              fileMode: 0640
        - name: all
          containerEdits:
            env: [ THINGS=all ]
        containerEdits:
          env:
          - COMMON=yes
          - HOME=/thing
          mounts:
          - hostPath: /usr/share
            containerPath: /thing
            options: [ro, nosuid]
          hooks:
          - hookName: createContainer
            path: /bin/true
            args: [true, "-x"]
            timeout: 5
          additionalGids: [44]
        """;

    private const string Gpus = """
        {"cdiVersion":"0.6.0","kind":"nvidia.com/gpu","devices":[
          {"name":"0","containerEdits":{"env":["GPU0=1"]}},
          {"name":"1","containerEdits":{"env":["GPU1=1"]}},
          {"name":"GPU-abc","containerEdits":{"env":["UUID=1"]}}]}
        """;

    private readonly DirectoryInfo _first = Directory.CreateTempSubdirectory("berth-cdi-");
    private readonly DirectoryInfo _second = Directory.CreateTempSubdirectory("berth-cdi-");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _first.Delete(recursive: true);
        _second.Delete(recursive: true);
    }

    [Fact]
    public async Task Start_DeviceOfAYamlFile_HasNodeRuleEnvironmentMountHookAndGroup()
    {
        Write(_first, "acme.yaml", Yaml);
        RuntimeSpec spec = await StartAsync(Cdi("acme.test/thing=0"));
        DeviceSpec node = Assert.Single(spec.Linux!.Devices!, device => device.Path == "/dev/thing0");
        Assert.Equal(("c", 1L, 5L, 0x1A0u), (node.Type, node.Major, node.Minor, node.FileMode));
        Assert.Equal("rw", spec.Linux.Resources!.Devices![^1].Access);
        Assert.Contains("COMMON=yes", spec.Process!.Env!);
        Assert.Single(spec.Process.Env!, variable => variable.StartsWith("HOME=", StringComparison.Ordinal));
        Assert.Contains("HOME=/thing", spec.Process.Env!);
        Assert.DoesNotContain("THINGS=all", spec.Process.Env!);
        MountSpec mount = Assert.Single(spec.Mounts!, mount => mount.Destination == "/thing");
        Assert.Equal(("bind", "/usr/share"), (mount.Type, mount.Source));
        Assert.Equal(["rbind", "ro", "nosuid"], mount.Options);
        HookSpec hook = Assert.Single(spec.Hooks!.CreateContainer!);
        Assert.Equal(("/bin/true", 5), (hook.Path, hook.Timeout));
        Assert.Contains(44u, spec.Process.User.AdditionalGids!);
    }

    [Fact]
    public async Task Start_TwoDevicesOfOneFile_HaveItsCommonEditsOnce()
    {
        Write(_first, "acme.yaml", Yaml);
        RuntimeSpec spec = await StartAsync(Cdi("acme.test/thing=0", "acme.test/thing=all"));
        Assert.Single(spec.Hooks!.CreateContainer!);
        Assert.Contains("THINGS=all", spec.Process!.Env!);
    }

    [Theory]
    [InlineData(-1, new string[0], "GPU0=1 GPU1=1 UUID=1")]
    [InlineData(1, new string[0], "GPU0=1")]
    [InlineData(2, new string[0], "GPU0=1 GPU1=1")]
    [InlineData(0, new[] { "1" }, "GPU1=1")]
    [InlineData(0, new[] { "GPU-abc" }, "UUID=1")]
    public async Task Start_Gpus_AreThoseOfTheDescription(int count, string[] ids, string expected)
    {
        Write(_first, "nvidia.json", Gpus);
        RuntimeSpec spec = await StartAsync(new DeviceRequest("", count, ids, [["gpu"]]));
        Assert.Equal(expected.Split(' '), spec.Process!.Env!.Where(variable => variable.EndsWith("=1", StringComparison.Ordinal)).Order());
    }

    [Theory]
    [InlineData("", "gpu", "could not select device driver \"\" with capabilities: [[gpu]]")]
    [InlineData("tpu", "gpu", "could not select device driver \"tpu\" with capabilities: [[gpu]]")]
    [InlineData("nvidia", "teapot", "could not select device driver \"nvidia\" with capabilities: [[teapot]]")]
    public async Task Start_GpuThatNothingDescribes_IsRefusedInDockersWords(string driver, string capability, string message)
    {
        if (driver.Length > 0)
            Write(_first, "nvidia.json", Gpus);
        Assert.Equal(message, await RefusalAsync(new DeviceRequest(driver, -1, [], [[capability]])));
    }

    [Fact]
    public async Task Start_UnknownDevice_IsRefusedInDockersWordsAndSaysWhatIsWrongWithFiles()
    {
        Write(_first, "broken.yaml", "cdiVersion: [");
        string message = await RefusalAsync(Cdi("acme.test/thing=9"));
        Assert.StartsWith("CDI device injection failed: unresolvable CDI devices acme.test/thing=9", message);
        Assert.Contains("broken.yaml", message);
        Assert.Equal("unexpected count in CDI device request", await RefusalAsync(Cdi("a.b/c=d") with { Count = 1 }));
    }

    [Fact]
    public void Read_LaterDirectory_Wins_AndTwoInOneDirectoryAreBothLeftOut()
    {
        Write(_first, "a.json", Gpus);
        Write(_second, "a.json", Gpus.Replace("GPU0=1", "LATER=1", StringComparison.Ordinal));
        Assert.Equal("LATER=1", Read().Find("nvidia.com/gpu=0")!.Device.ContainerEdits!.Env![0]);
        Write(_second, "b.json", Gpus);
        CdiDevices devices = Read();
        Assert.Null(devices.Find("nvidia.com/gpu=0"));
        Assert.Contains(devices.Problems, problem => problem.Contains("conflicting device \"nvidia.com/gpu=0\"", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("cdiVersion: 0.2.0\nkind: a.b/c\ndevices: [{name: x}]", "invalid version")]
    [InlineData("cdiVersion: 0.5.0\nkind: a.b\ndevices: [{name: x}]", "invalid kind")]
    [InlineData("cdiVersion: 0.5.0\nkind: a.b/c\ndevices: []", "no devices")]
    [InlineData("cdiVersion: 0.5.0\nkind: a.b/c\ndevices: [{name: -x}]", "invalid device name")]
    [InlineData("cdiVersion: 0.5.0\nkind: a.b/c\ndevices: [{name: x}, {name: x}]", "multiple device")]
    [InlineData("cdiVersion: 0.5.0\nkind: a.b/c\ndevices: [{name: x, containerEdits: {env: [A]}}]", "environment variable")]
    [InlineData(
        "cdiVersion: 0.5.0\nkind: a.b/c\ndevices: [{name: x, containerEdits: {hooks: [{hookName: now, path: /x}]}}]", "invalid hook")]
    [InlineData("cdiVersion: 0.7.0\nkind: a.b/c\ndevices: [{name: x, containerEdits: {intelRdt: {}}}]", "intelRdt")]
    [InlineData("a: &a [x]\nb: *a", "aliases")]
    [InlineData("", "")]
    [InlineData("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "")]
    public void Read_WrongFile_IsAProblemAndNoDevice(string yaml, string problem)
    {
        Write(_first, "x.yaml", yaml);
        CdiDevices devices = Read();
        Assert.Empty(devices.All);
        Assert.Contains(problem, Assert.Single(devices.Problems));
    }

    [Theory]
    [InlineData("vendor.com/class=name", true)]
    [InlineData("nvidia.com/gpu=GPU-1:2", true)]
    [InlineData("/dev/null", false)]
    [InlineData("vendor.com/class", false)]
    [InlineData("vendor.com/class=", false)]
    [InlineData("vendor.com/=x", false)]
    [InlineData("vendor.com/cl.ass=x", false)]
    public void FullName_EachForm_IsKnown(string text, bool isName) => Assert.Equal(isName, CdiDevices.IsFullName(text));

    private static DeviceRequest Cdi(params string[] names) => new("cdi", 0, names, []);

    private static void Write(DirectoryInfo directory, string file, string text) =>
        File.WriteAllText(Path.Combine(directory.FullName, file), text);

    private CdiDevices Read() => CdiDevices.Read([_first.FullName, _second.FullName]);

    private Task<TestEngine> OpenAsync() =>
        TestEngine.OpenAsync(options => options with { CdiDirectories = [_first.FullName, _second.FullName] });

    private async Task<RuntimeSpec> StartAsync(DeviceRequest request)
    {
        await using TestEngine engine = await OpenAsync();
        (_, FakeContainer running) = await engine.StartAsync(
            new HostSettings { Resources = new ResourceLimits { DeviceRequests = [request] } });
        running.Exit(0);
        return running.Request.Spec;
    }

    private async Task<string> RefusalAsync(DeviceRequest request)
    {
        await using TestEngine engine = await OpenAsync();
        string id = (await engine.CreateAsync(
            host: new HostSettings { Resources = new ResourceLimits { DeviceRequests = [request] } })).Id;
        return (await Assert.ThrowsAsync<FaultException>(() => engine.Engine.Containers.StartAsync(id, Cancel))).Message;
    }
}
