using Berth.Oci.Json;

namespace Berth.Oci.Runtime;

// How the types of LinuxSpec.cs read themselves; RuntimeSpecJsonTests compare each field with the serializer.

public sealed partial record LinuxSpec
{
    /// <summary>With nothing but the defaults.</summary>
    public LinuxSpec()
    {
    }

    internal LinuxSpec(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("namespaces"u8))
                Namespaces = json.Items(static (scoped ref json) => new NamespaceSpec(ref json));
            else if (json.Is("uidMappings"u8))
                UidMappings = json.Items(static (scoped ref json) => new IdMapping(ref json));
            else if (json.Is("gidMappings"u8))
                GidMappings = json.Items(static (scoped ref json) => new IdMapping(ref json));
            else if (json.Is("devices"u8))
                Devices = json.Items(static (scoped ref json) => new DeviceSpec(ref json));
            else if (json.Is("cgroupsPath"u8))
                CgroupsPath = json.Text();
            else if (json.Is("resources"u8))
                Resources = json.Item(static (scoped ref json) => new LinuxResources(ref json));
            else if (json.Is("sysctl"u8))
                Sysctl = json.Map();
            else if (json.Is("seccomp"u8))
                Seccomp = json.Item(static (scoped ref json) => new SeccompSpec(ref json));
            else if (json.Is("rootfsPropagation"u8))
                RootfsPropagation = json.Text();
            else if (json.Is("maskedPaths"u8))
                MaskedPaths = json.Texts();
            else if (json.Is("readonlyPaths"u8))
                ReadonlyPaths = json.Texts();
            else if (json.Is("mountLabel"u8))
                MountLabel = json.Text();
            else if (json.Is("timeOffsets"u8))
                TimeOffsets = json.Map(static (scoped ref json) => new TimeOffset(ref json));
            else if (json.Is("personality"u8))
                Personality = json.Item(static (scoped ref json) => new PersonalitySpec(ref json));
            else if (json.Is("intelRdt"u8))
                IntelRdt = json.Item(static (scoped ref json) => new IntelRdtSpec(ref json));
            else if (json.Is("memoryPolicy"u8))
                MemoryPolicy = json.Item(static (scoped ref json) => new MemoryPolicySpec(ref json));
            else if (json.Is("netDevices"u8))
                NetDevices = json.Map(static (scoped ref json) => new NetDeviceSpec(ref json));
            else
                json.Skip();
        }
    }
}

public sealed partial record TimeOffset
{
    /// <summary>With nothing but the defaults.</summary>
    public TimeOffset()
    {
    }

    internal TimeOffset(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("secs"u8))
                Secs = json.Present(json.Signed());
            else if (json.Is("nanosecs"u8))
                Nanosecs = json.Present(json.UInt32());
            else
                json.Skip();
        }
    }
}

public sealed partial record PersonalitySpec
{
    /// <summary>With nothing but the defaults.</summary>
    public PersonalitySpec()
    {
    }

    internal PersonalitySpec(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("domain"u8))
                Domain = json.Text()!;
            else if (json.Is("flags"u8))
                Flags = json.Texts();
            else
                json.Skip();
        }
    }
}

public sealed partial record IntelRdtSpec
{
    /// <summary>With nothing but the defaults.</summary>
    public IntelRdtSpec()
    {
    }

    internal IntelRdtSpec(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("closID"u8))
                ClosId = json.Text();
            else
                json.Skip();
        }
    }
}

public sealed partial record MemoryPolicySpec
{
    /// <summary>With nothing but the defaults.</summary>
    public MemoryPolicySpec()
    {
    }

    internal MemoryPolicySpec(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("mode"u8))
                Mode = json.Text()!;
            else if (json.Is("nodes"u8))
                Nodes = json.Text();
            else if (json.Is("flags"u8))
                Flags = json.Texts();
            else
                json.Skip();
        }
    }
}

public sealed partial record NetDeviceSpec
{
    /// <summary>With nothing but the defaults.</summary>
    public NetDeviceSpec()
    {
    }

    internal NetDeviceSpec(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("name"u8))
                Name = json.Text();
            else
                json.Skip();
        }
    }
}

public sealed partial record NamespaceSpec
{
    /// <summary>With nothing but the defaults.</summary>
    public NamespaceSpec()
    {
    }

    internal NamespaceSpec(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("type"u8))
                Type = json.Text()!;
            else if (json.Is("path"u8))
                Path = json.Text();
            else
                json.Skip();
        }
    }
}

public sealed partial record DeviceSpec
{
    /// <summary>With nothing but the defaults.</summary>
    public DeviceSpec()
    {
    }

    internal DeviceSpec(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("path"u8))
                Path = json.Text()!;
            else if (json.Is("type"u8))
                Type = json.Text()!;
            else if (json.Is("major"u8))
                Major = json.Present(json.Signed());
            else if (json.Is("minor"u8))
                Minor = json.Present(json.Signed());
            else if (json.Is("fileMode"u8))
                FileMode = json.UInt32();
            else if (json.Is("uid"u8))
                Uid = json.UInt32();
            else if (json.Is("gid"u8))
                Gid = json.UInt32();
            else
                json.Skip();
        }
    }
}

public sealed partial record LinuxResources
{
    /// <summary>With nothing but the defaults.</summary>
    public LinuxResources()
    {
    }

    internal LinuxResources(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("devices"u8))
                Devices = json.Items(static (scoped ref json) => new DeviceRule(ref json));
            else if (json.Is("memory"u8))
                Memory = json.Item(static (scoped ref json) => new MemoryLimits(ref json));
            else if (json.Is("cpu"u8))
                Cpu = json.Item(static (scoped ref json) => new CpuLimits(ref json));
            else if (json.Is("pids"u8))
                Pids = json.Item(static (scoped ref json) => new PidsLimits(ref json));
            else if (json.Is("blockIO"u8))
                BlockIO = json.Item(static (scoped ref json) => new BlockIoLimits(ref json));
            else if (json.Is("hugepageLimits"u8))
                HugepageLimits = json.Items(static (scoped ref json) => new HugepageLimit(ref json));
            else if (json.Is("rdma"u8))
                Rdma = json.Map(static (scoped ref json) => new RdmaLimits(ref json));
            else if (json.Is("network"u8))
                Network = json.Item(static (scoped ref json) => new NetworkLimits(ref json));
            else if (json.Is("unified"u8))
                Unified = json.Map();
            else
                json.Skip();
        }
    }
}

public sealed partial record RdmaLimits
{
    /// <summary>With nothing but the defaults.</summary>
    public RdmaLimits()
    {
    }

    internal RdmaLimits(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("hcaHandles"u8))
                HcaHandles = json.UInt32();
            else if (json.Is("hcaObjects"u8))
                HcaObjects = json.UInt32();
            else
                json.Skip();
        }
    }
}

public sealed partial record NetworkLimits
{
    /// <summary>With nothing but the defaults.</summary>
    public NetworkLimits()
    {
    }

    internal NetworkLimits(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("classID"u8))
                ClassId = json.UInt32();
            else if (json.Is("priorities"u8))
                Priorities = json.Items(static (scoped ref json) => new InterfacePriority(ref json));
            else
                json.Skip();
        }
    }
}

public sealed partial record InterfacePriority
{
    /// <summary>With nothing but the defaults.</summary>
    public InterfacePriority()
    {
    }

    internal InterfacePriority(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("name"u8))
                Name = json.Text()!;
            else if (json.Is("priority"u8))
                Priority = json.Present(json.UInt32());
            else
                json.Skip();
        }
    }
}

public sealed partial record DeviceRule
{
    /// <summary>With nothing but the defaults.</summary>
    public DeviceRule()
    {
    }

    internal DeviceRule(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("allow"u8))
                Allow = json.Present(json.Flag());
            else if (json.Is("type"u8))
                Type = json.Text();
            else if (json.Is("major"u8))
                Major = json.Signed();
            else if (json.Is("minor"u8))
                Minor = json.Signed();
            else if (json.Is("access"u8))
                Access = json.Text();
            else
                json.Skip();
        }
    }
}

public sealed partial record MemoryLimits
{
    /// <summary>With nothing but the defaults.</summary>
    public MemoryLimits()
    {
    }

    internal MemoryLimits(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("limit"u8))
                Limit = json.Signed();
            else if (json.Is("reservation"u8))
                Reservation = json.Signed();
            else if (json.Is("swap"u8))
                Swap = json.Signed();
            else if (json.Is("swappiness"u8))
                Swappiness = json.Unsigned();
            else if (json.Is("disableOOMKiller"u8))
                DisableOOMKiller = json.Flag();
            else if (json.Is("kernel"u8))
                Kernel = json.Signed();
            else if (json.Is("kernelTCP"u8))
                KernelTCP = json.Signed();
            else
                json.Skip();
        }
    }
}

public sealed partial record CpuLimits
{
    /// <summary>With nothing but the defaults.</summary>
    public CpuLimits()
    {
    }

    internal CpuLimits(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("shares"u8))
                Shares = json.Unsigned();
            else if (json.Is("quota"u8))
                Quota = json.Signed();
            else if (json.Is("period"u8))
                Period = json.Unsigned();
            else if (json.Is("realtimeRuntime"u8))
                RealtimeRuntime = json.Signed();
            else if (json.Is("realtimePeriod"u8))
                RealtimePeriod = json.Unsigned();
            else if (json.Is("cpus"u8))
                Cpus = json.Text();
            else if (json.Is("mems"u8))
                Mems = json.Text();
            else if (json.Is("idle"u8))
                Idle = json.Signed();
            else if (json.Is("burst"u8))
                Burst = json.Unsigned();
            else
                json.Skip();
        }
    }
}

public sealed partial record PidsLimits
{
    /// <summary>With nothing but the defaults.</summary>
    public PidsLimits()
    {
    }

    internal PidsLimits(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("limit"u8))
                Limit = json.Present(json.Signed());
            else
                json.Skip();
        }
    }
}

public sealed partial record HugepageLimit
{
    /// <summary>With nothing but the defaults.</summary>
    public HugepageLimit()
    {
    }

    internal HugepageLimit(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("pageSize"u8))
                PageSize = json.Text()!;
            else if (json.Is("limit"u8))
                Limit = json.Present(json.Unsigned());
            else
                json.Skip();
        }
    }
}

public sealed partial record SeccompSpec
{
    /// <summary>With nothing but the defaults.</summary>
    public SeccompSpec()
    {
    }

    internal SeccompSpec(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("defaultAction"u8))
                DefaultAction = json.Text()!;
            else if (json.Is("defaultErrnoRet"u8))
                DefaultErrnoRet = json.UInt32();
            else if (json.Is("architectures"u8))
                Architectures = json.Texts();
            else if (json.Is("flags"u8))
                Flags = json.Texts();
            else if (json.Is("listenerPath"u8))
                ListenerPath = json.Text();
            else if (json.Is("listenerMetadata"u8))
                ListenerMetadata = json.Text();
            else if (json.Is("syscalls"u8))
                Syscalls = json.Items(static (scoped ref json) => new SyscallRule(ref json));
            else
                json.Skip();
        }
    }
}

public sealed partial record SyscallRule
{
    /// <summary>With nothing but the defaults.</summary>
    public SyscallRule()
    {
    }

    internal SyscallRule(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("names"u8))
                Names = json.Texts()!;
            else if (json.Is("action"u8))
                Action = json.Text()!;
            else if (json.Is("errnoRet"u8))
                ErrnoRet = json.UInt32();
            else if (json.Is("args"u8))
                Args = json.Items(static (scoped ref json) => new SyscallArgument(ref json));
            else
                json.Skip();
        }
    }
}

public sealed partial record SyscallArgument
{
    /// <summary>With nothing but the defaults.</summary>
    public SyscallArgument()
    {
    }

    internal SyscallArgument(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("index"u8))
                Index = json.Present(json.UInt32());
            else if (json.Is("value"u8))
                Value = json.Present(json.Unsigned());
            else if (json.Is("valueTwo"u8))
                ValueTwo = json.Present(json.Unsigned());
            else if (json.Is("op"u8))
                Op = json.Text()!;
            else
                json.Skip();
        }
    }
}
