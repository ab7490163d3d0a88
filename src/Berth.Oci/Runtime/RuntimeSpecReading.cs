using Berth.Oci.Json;

namespace Berth.Oci.Runtime;

// How the types of RuntimeSpec.cs read themselves; RuntimeSpecJsonTests compare each field with the serializer.

public sealed partial record RuntimeSpec
{
    /// <summary>With nothing but the defaults.</summary>
    public RuntimeSpec()
    {
    }

    internal RuntimeSpec(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("ociVersion"u8))
                OciVersion = json.Text()!;
            else if (json.Is("process"u8))
                Process = json.Item(static (scoped ref json) => new ProcessSpec(ref json));
            else if (json.Is("root"u8))
                Root = json.Item(static (scoped ref json) => new RootSpec(ref json));
            else if (json.Is("hostname"u8))
                Hostname = json.Text();
            else if (json.Is("domainname"u8))
                Domainname = json.Text();
            else if (json.Is("mounts"u8))
                Mounts = json.Items(static (scoped ref json) => new MountSpec(ref json));
            else if (json.Is("hooks"u8))
                Hooks = json.Item(static (scoped ref json) => new HooksSpec(ref json));
            else if (json.Is("annotations"u8))
                Annotations = json.Map();
            else if (json.Is("linux"u8))
                Linux = json.Item(static (scoped ref json) => new LinuxSpec(ref json));
            else
                json.Skip();
        }
    }
}

public sealed partial record ProcessSpec
{
    /// <summary>With nothing but the defaults.</summary>
    public ProcessSpec()
    {
    }

    internal ProcessSpec(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("terminal"u8))
                Terminal = json.Present(json.Flag());
            else if (json.Is("consoleSize"u8))
                ConsoleSize = json.Item(static (scoped ref json) => new ConsoleSize(ref json));
            else if (json.Is("user"u8))
                User = json.Item(static (scoped ref json) => new UserSpec(ref json))!;
            else if (json.Is("args"u8))
                Args = json.Texts()!;
            else if (json.Is("env"u8))
                Env = json.Texts();
            else if (json.Is("cwd"u8))
                Cwd = json.Text()!;
            else if (json.Is("capabilities"u8))
                Capabilities = json.Item(static (scoped ref json) => new CapabilitiesSpec(ref json));
            else if (json.Is("rlimits"u8))
                Rlimits = json.Items(static (scoped ref json) => new RlimitSpec(ref json));
            else if (json.Is("noNewPrivileges"u8))
                NoNewPrivileges = json.Present(json.Flag());
            else if (json.Is("apparmorProfile"u8))
                ApparmorProfile = json.Text();
            else if (json.Is("selinuxLabel"u8))
                SelinuxLabel = json.Text();
            else if (json.Is("oomScoreAdj"u8))
                OomScoreAdj = json.Int32();
            else if (json.Is("scheduler"u8))
                Scheduler = json.Item(static (scoped ref json) => new SchedulerSpec(ref json));
            else if (json.Is("ioPriority"u8))
                IoPriority = json.Item(static (scoped ref json) => new IoPrioritySpec(ref json));
            else if (json.Is("execCPUAffinity"u8))
                ExecCpuAffinity = json.Item(static (scoped ref json) => new CpuAffinitySpec(ref json));
            else
                json.Skip();
        }
    }
}

public sealed partial record SchedulerSpec
{
    /// <summary>With nothing but the defaults.</summary>
    public SchedulerSpec()
    {
    }

    internal SchedulerSpec(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("policy"u8))
                Policy = json.Text()!;
            else if (json.Is("nice"u8))
                Nice = json.Present(json.Int32());
            else if (json.Is("priority"u8))
                Priority = json.Present(json.Int32());
            else if (json.Is("flags"u8))
                Flags = json.Texts();
            else if (json.Is("runtime"u8))
                Runtime = json.Present(json.Unsigned());
            else if (json.Is("deadline"u8))
                Deadline = json.Present(json.Unsigned());
            else if (json.Is("period"u8))
                Period = json.Present(json.Unsigned());
            else
                json.Skip();
        }
    }
}

public sealed partial record IoPrioritySpec
{
    /// <summary>With nothing but the defaults.</summary>
    public IoPrioritySpec()
    {
    }

    internal IoPrioritySpec(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("class"u8))
                Class = json.Text()!;
            else if (json.Is("priority"u8))
                Priority = json.Present(json.Int32());
            else
                json.Skip();
        }
    }
}

public sealed partial record CpuAffinitySpec
{
    /// <summary>With nothing but the defaults.</summary>
    public CpuAffinitySpec()
    {
    }

    internal CpuAffinitySpec(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("initial"u8))
                Initial = json.Text();
            else if (json.Is("final"u8))
                Final = json.Text();
            else
                json.Skip();
        }
    }
}

public sealed partial record ConsoleSize
{
    /// <summary>With nothing but the defaults.</summary>
    public ConsoleSize()
    {
    }

    internal ConsoleSize(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("height"u8))
                Height = json.Present(json.UInt32());
            else if (json.Is("width"u8))
                Width = json.Present(json.UInt32());
            else
                json.Skip();
        }
    }
}

public sealed partial record UserSpec
{
    /// <summary>With nothing but the defaults.</summary>
    public UserSpec()
    {
    }

    internal UserSpec(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("uid"u8))
                Uid = json.Present(json.UInt32());
            else if (json.Is("gid"u8))
                Gid = json.Present(json.UInt32());
            else if (json.Is("umask"u8))
                Umask = json.UInt32();
            else if (json.Is("additionalGids"u8))
                AdditionalGids = json.Numbers();
            else
                json.Skip();
        }
    }
}

public sealed partial record CapabilitiesSpec
{
    /// <summary>With nothing but the defaults.</summary>
    public CapabilitiesSpec()
    {
    }

    internal CapabilitiesSpec(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("bounding"u8))
                Bounding = json.Texts();
            else if (json.Is("effective"u8))
                Effective = json.Texts();
            else if (json.Is("inheritable"u8))
                Inheritable = json.Texts();
            else if (json.Is("permitted"u8))
                Permitted = json.Texts();
            else if (json.Is("ambient"u8))
                Ambient = json.Texts();
            else
                json.Skip();
        }
    }
}

public sealed partial record RlimitSpec
{
    /// <summary>With nothing but the defaults.</summary>
    public RlimitSpec()
    {
    }

    internal RlimitSpec(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("type"u8))
                Type = json.Text()!;
            else if (json.Is("hard"u8))
                Hard = json.Present(json.Unsigned());
            else if (json.Is("soft"u8))
                Soft = json.Present(json.Unsigned());
            else
                json.Skip();
        }
    }
}

public sealed partial record RootSpec
{
    /// <summary>With nothing but the defaults.</summary>
    public RootSpec()
    {
    }

    internal RootSpec(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("path"u8))
                Path = json.Text()!;
            else if (json.Is("readonly"u8))
                Readonly = json.Present(json.Flag());
            else
                json.Skip();
        }
    }
}

public sealed partial record MountSpec
{
    /// <summary>With nothing but the defaults.</summary>
    public MountSpec()
    {
    }

    internal MountSpec(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("destination"u8))
                Destination = json.Text()!;
            else if (json.Is("type"u8))
                Type = json.Text();
            else if (json.Is("source"u8))
                Source = json.Text();
            else if (json.Is("options"u8))
                Options = json.Texts();
            else if (json.Is("uidMappings"u8))
                UidMappings = json.Items(static (scoped ref json) => new IdMapping(ref json));
            else if (json.Is("gidMappings"u8))
                GidMappings = json.Items(static (scoped ref json) => new IdMapping(ref json));
            else
                json.Skip();
        }
    }
}

public sealed partial record IdMapping
{
    /// <summary>With nothing but the defaults.</summary>
    public IdMapping()
    {
    }

    internal IdMapping(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("containerID"u8))
                ContainerID = json.Present(json.UInt32());
            else if (json.Is("hostID"u8))
                HostID = json.Present(json.UInt32());
            else if (json.Is("size"u8))
                Size = json.Present(json.UInt32());
            else
                json.Skip();
        }
    }
}

public sealed partial record HooksSpec
{
    /// <summary>With nothing but the defaults.</summary>
    public HooksSpec()
    {
    }

    internal HooksSpec(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("prestart"u8))
                Prestart = json.Items(static (scoped ref json) => new HookSpec(ref json));
            else if (json.Is("createRuntime"u8))
                CreateRuntime = json.Items(static (scoped ref json) => new HookSpec(ref json));
            else if (json.Is("createContainer"u8))
                CreateContainer = json.Items(static (scoped ref json) => new HookSpec(ref json));
            else if (json.Is("startContainer"u8))
                StartContainer = json.Items(static (scoped ref json) => new HookSpec(ref json));
            else if (json.Is("poststart"u8))
                Poststart = json.Items(static (scoped ref json) => new HookSpec(ref json));
            else if (json.Is("poststop"u8))
                Poststop = json.Items(static (scoped ref json) => new HookSpec(ref json));
            else
                json.Skip();
        }
    }
}

public sealed partial record HookSpec
{
    /// <summary>With nothing but the defaults.</summary>
    public HookSpec()
    {
    }

    internal HookSpec(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("path"u8))
                Path = json.Text()!;
            else if (json.Is("args"u8))
                Args = json.Texts();
            else if (json.Is("env"u8))
                Env = json.Texts();
            else if (json.Is("timeout"u8))
                Timeout = json.Int32();
            else
                json.Skip();
        }
    }
}
