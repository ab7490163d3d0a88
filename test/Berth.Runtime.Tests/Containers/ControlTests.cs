using Berth.Faults;
using Berth.Oci.Runtime;
using Berth.Runtime.Cgroups;

namespace Berth.Runtime.Tests.Containers;

/// <summary>What is done to a running container, and what may not be left behind.</summary>
public sealed class ControlTests(ContainerFixture fixture) : IClassFixture<ContainerFixture>
{
    private const int Execs = 2000;
    private const int Lanes = 4;
    private const int ClientsMax = 64;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private void Skip() => Assert.SkipUnless(fixture.IsUsable, "root, /bin/busybox and out/bin/berth-runtime are needed");

    [Fact]
    public async Task Pause_HoldsItUntilResumed()
    {
        Skip();
        await fixture.WithAsync(fixture.Request(["/bin/cat"]) with { OpenStdin = true }, async container =>
        {
            await using IContainerStreams streams = await container.AttachAsync(stdin: true, Cancel);
            await container.StartAsync(Cancel);
            await container.PauseAsync(Cancel);
            FaultException fault = await Assert.ThrowsAsync<FaultException>(() => container.ExecAsync(
                new ExecRequest { Id = fixture.NewId(), Process = ContainerFixture.Process("true") }, Cancel));
            Assert.Equal(FaultKind.Conflict, fault.Kind);
            Assert.True(await streams.WriteAsync("x"u8.ToArray(), Cancel));
            byte[] answer = new byte[8];
            Task<(OutputSource, int Count)> read = streams.ReadAsync(answer, Cancel).AsTask();
            await Assert.ThrowsAsync<TimeoutException>(() => read.WaitAsync(TimeSpan.FromMilliseconds(300), Cancel));
            await container.ResumeAsync(Cancel);
            Assert.Equal(1, (await read.WaitAsync(Cancel)).Count);
        }, Cancel);
    }

    [Fact]
    public async Task Delete_OfAPausedOne_EndsIt()
    {
        Skip();
        await fixture.WithAsync(fixture.Request("sleep 100"), async container =>
        {
            await container.StartAsync(Cancel);
            await container.PauseAsync(Cancel);
        }, Cancel);
    }

    [Fact]
    public async Task Update_ChangesLimits_AndStatisticsCount()
    {
        Skip();
        Assert.SkipUnless(CgroupHierarchy.Detect().Controllers.Contains("memory"), "the kernel offers no memory controller");
        await fixture.WithAsync(fixture.Request("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo; sleep 100"), async container =>
        {
            await using IContainerStreams streams = await container.AttachAsync(stdin: false, Cancel);
            await container.StartAsync(Cancel);
            await streams.ReadAsync(new byte[8], Cancel);
            await container.UpdateAsync(new LinuxResources { Memory = new MemoryLimits { Limit = 64 << 20 } }, Cancel);
            CgroupStatistics statistics = container.ReadStatistics();
            Assert.Equal((ulong)(64 << 20), statistics.MemoryLimit);
            Assert.True(statistics.CpuTotalNanoseconds > 0);
            Assert.Contains(container.Pid, container.Processes());
        }, Cancel);
    }

    [Fact]
    public async Task Memory_OverItsLimit_IsReportedWithTheExit()
    {
        Skip();
        ContainerRequest request = fixture.Request(["/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=200M", "count=1"], spec => spec with
        {
            Linux = spec.Linux! with { Resources = new LinuxResources { Memory = new MemoryLimits { Limit = 16 << 20, Swap = 16 << 20 } } },
        });
        await fixture.WithAsync(request, async container =>
        {
            await container.StartAsync(Cancel);
            ContainerExit exit = await container.Exited.WaitAsync(Cancel);
            Assert.Equal((137, true), (exit.Code, exit.OutOfMemory));
        }, Cancel);
    }

    [Fact]
    public async Task Reader_WhoNeverReads_HoldsItBackInBoundedMemory()
    {
        Skip();
        const int count = 32 << 20;
        await fixture.WithAsync(fixture.Request(["/bin/dd", "if=/dev/zero", "bs=64k", "count=512"]) with { Log = null }, async container =>
        {
            await using IContainerStreams streams = await container.AttachAsync(stdin: false, Cancel);
            await container.StartAsync(Cancel);
            Assert.True(SpinWait.SpinUntil(
                () => File.ReadAllText($"/proc/{container.Pid}/wchan").Contains("pipe_write"), TimeSpan.FromSeconds(30)));
            Assert.False(container.Exited.IsCompleted);
            Assert.True(ResidentKibibytes(MonitorOf(container.Pid)) < 4096);
            (string output, string error) = await ContainerFixture.ReadAllAsync(streams, Cancel);
            Assert.Equal(count, output.Length);
            Assert.Contains("512+0 records out", error);
            Assert.Equal(0, (await container.Exited.WaitAsync(Cancel)).Code);
        }, Cancel);
    }

    [Fact]
    public async Task Reader_WhoGoes_LetsItGoOn()
    {
        Skip();
        await fixture.WithAsync(fixture.Request(["/bin/dd", "if=/dev/zero", "bs=64k", "count=64"]) with { Log = null }, async container =>
        {
            IContainerStreams streams = await container.AttachAsync(stdin: false, Cancel);
            await container.StartAsync(Cancel);
            await streams.ReadAsync(new byte[16], Cancel);
            await streams.DisposeAsync();
            Assert.Equal(0, (await container.Exited.WaitAsync(Cancel)).Code);
        }, Cancel);
    }

    [Fact]
    public async Task Clients_BeyondTheMost_WaitForAPlace()
    {
        Skip();
        await fixture.WithAsync(fixture.Request("read x; echo $x") with { OpenStdin = true }, async container =>
        {
            await using IContainerStreams writer = await container.AttachAsync(stdin: true, Cancel);
            List<IContainerStreams> readers = [];
            // The engine's own connection and the writer's are clients too.
            while (readers.Count < ClientsMax - 2)
                readers.Add(await container.AttachAsync(stdin: false, Cancel));
            Task<IContainerStreams> late = container.AttachAsync(stdin: false, Cancel);
            await container.StartAsync(Cancel);
            Assert.False(late.IsCompleted);
            await readers[0].DisposeAsync();
            readers[0] = await late.WaitAsync(Cancel);
            await writer.WriteAsync("hello\n"u8.ToArray(), Cancel);
            foreach (IContainerStreams reader in readers)
            {
                Assert.Equal("hello\n", (await ContainerFixture.ReadAllAsync(reader, Cancel)).Output);
                await reader.DisposeAsync();
            }
        }, Cancel);
    }

    [Fact]
    public async Task Execs_Thousands_LeaveNeitherDescriptorsNorZombies()
    {
        Skip();
        await fixture.WithAsync(fixture.Request("sleep 1000"), async container =>
        {
            await container.StartAsync(Cancel);
            await ExecManyAsync(container, Lanes);
            int before = Directory.GetFiles("/proc/self/fd").Length;
            await ExecManyAsync(container, Execs / Lanes);
            // Other tests of this program open and close at the same time.
            Assert.InRange(Directory.GetFiles("/proc/self/fd").Length, 0, before + 100);
            Assert.Single(container.Processes());
        }, Cancel);
        Assert.True(SpinWait.SpinUntil(() => Zombies() < 10, TimeSpan.FromSeconds(20)));
    }

    private Task ExecManyAsync(IContainer container, int each) => Task.WhenAll(Enumerable.Range(0, Lanes).Select(async _ =>
    {
        for (int i = 0; i < each; i++)
        {
            await using IExecProcess exec = await container.ExecAsync(new ExecRequest
            {
                Id = fixture.NewId(), Process = ContainerFixture.Process("/bin/true"), Detached = true,
            }, Cancel);
            Assert.Equal(0, await exec.Exited.WaitAsync(Cancel));
        }
    }));

    [Fact]
    public async Task Monitor_OfADisposedContainer_IsReaped()
    {
        Skip();
        ContainerRequest request = fixture.Request("sleep 1000");
        IContainer container = await fixture.Runtime.CreateAsync(request, Cancel);
        await container.StartAsync(Cancel);
        int monitor = MonitorOf(container.Pid);
        await container.DisposeAsync();
        Assert.True(Directory.Exists($"/proc/{monitor}"));
        await using IContainer? again = await fixture.Runtime.ReattachAsync(request.Id, request.RunDirectory, Cancel);
        await again!.DeleteAsync(Cancel);
        Assert.True(SpinWait.SpinUntil(() => !Directory.Exists($"/proc/{monitor}"), TimeSpan.FromSeconds(20)));
        Assert.Equal(137, (await container.Exited.WaitAsync(Cancel)).Code);
    }

    private static int MonitorOf(int pid) => int.Parse(File.ReadAllText($"/proc/{pid}/stat").Split(") ")[1].Split(' ')[1]);

    private static int ResidentKibibytes(int pid) => int.Parse(File.ReadLines($"/proc/{pid}/status")
        .First(static line => line.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);

    private static int Zombies() => Directory.GetDirectories("/proc/self/task").SelectMany(static task =>
            ReadOrNothing(Path.Join(task, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .Count(static child => ReadOrNothing($"/proc/{child}/stat").Contains(") Z "));

    // Threads and processes come and go meanwhile.
    private static string ReadOrNothing(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return "";
        }
    }
}
