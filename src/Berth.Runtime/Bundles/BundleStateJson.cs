using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Berth.Faults;
using Berth.Oci.Json;
using Berth.Runtime.Plans;

namespace Berth.Runtime.Bundles;

// The state as JSON; by hand, because every call of the program reads or writes it: see FieldReader.
internal sealed partial record BundleState
{
    /// <summary>With nothing but the defaults.</summary>
    public BundleState()
    {
    }

    [SetsRequiredMembers]
    private BundleState(scoped ref FieldReader json)
    {
        (Id, OciVersion, Bundle) = ("", "", "");
        while (json.Next())
        {
            if (json.Is("id"u8))
                Id = json.Text() ?? "";
            else if (json.Is("ociVersion"u8))
                OciVersion = json.Text() ?? "";
            else if (json.Is("bundle"u8))
                Bundle = json.Text() ?? "";
            else if (json.Is("rootfs"u8))
                Rootfs = json.Text() ?? "";
            else if (json.Is("cgroupPath"u8))
                CgroupPath = json.Text();
            else if (json.Is("systemdUnit"u8))
                SystemdUnit = json.Text();
            else if (json.Is("pid"u8))
                Pid = json.Present(json.Int32());
            else if (json.Is("pidStart"u8))
                PidStart = json.Present(json.Unsigned());
            else if (json.Is("created"u8))
                Created = json.Present(json.Time());
            else if (json.Is("owner"u8))
                Owner = json.Text() ?? "";
            else if (json.Is("hasPidNamespace"u8))
                HasPidNamespace = json.Present(json.Flag());
            else if (json.Is("hasUserNamespace"u8))
                HasUserNamespace = json.Present(json.Flag());
            else if (json.Is("hasTimeNamespace"u8))
                HasTimeNamespace = json.Present(json.Flag());
            else if (json.Is("keepsKeyring"u8))
                KeepsKeyring = json.Present(json.Flag());
            else if (json.Is("annotations"u8))
                Annotations = json.Map();
            else if (json.Is("poststart"u8))
                Poststart = RuntimeJson.ReadHooks(ref json);
            else if (json.Is("poststop"u8))
                Poststop = RuntimeJson.ReadHooks(ref json);
            else if (json.Is("filter"u8))
                Filter = json.Item(ReadFilter) ?? CallFilter.None;
            else if (json.Is("personality"u8))
                Personality = json.Present(json.UInt32());
            else if (json.Is("listenerPath"u8))
                ListenerPath = json.Text();
            else if (json.Is("listenerMetadata"u8))
                ListenerMetadata = json.Text();
            else
                json.Skip();
        }
    }

    /// <summary>Reads a state.</summary>
    /// <exception cref="FaultException">InvalidArgument: these bytes are none.</exception>
    /// <exception cref="FormatException">The filter is no Base64.</exception>
    public static BundleState Read(ReadOnlySpan<byte> json) =>
        FieldReader.Read(json, static (scoped ref fields) => new BundleState(ref fields), FileName);

    /// <summary>The state's file.</summary>
    public byte[] Write()
    {
        FieldWriter json = new();
        json.Begin()
            .Text("id", Id).Text("ociVersion", OciVersion).Text("bundle", Bundle).Text("rootfs", Rootfs)
            .Text("cgroupPath", CgroupPath).Text("systemdUnit", SystemdUnit)
            .Number("pid", Pid).Number("pidStart", PidStart)
            .Text("created", Created.ToString("O", CultureInfo.InvariantCulture)).Text("owner", Owner)
            .Flag("hasPidNamespace", HasPidNamespace).Flag("hasUserNamespace", HasUserNamespace).Flag("hasTimeNamespace", HasTimeNamespace)
            .Flag("keepsKeyring", KeepsKeyring).Number("personality", Personality).Map("annotations", Annotations);
        RuntimeJson.WriteHooks(json, "poststart", Poststart);
        RuntimeJson.WriteHooks(json, "poststop", Poststop);
        if (Filter.Program.Length > 0)
            json.Begin("filter").Text("program", Convert.ToBase64String(Filter.Program)).Number("flags", Filter.Flags).End();
        json.Text("listenerPath", ListenerPath).Text("listenerMetadata", ListenerMetadata).End();
        return json.ToBytes();
    }

    private static CallFilter ReadFilter(scoped ref FieldReader json)
    {
        byte[] program = [];
        uint flags = 0;
        while (json.Next())
        {
            if (json.Is("program"u8))
                program = Convert.FromBase64String(json.Text() ?? "");
            else if (json.Is("flags"u8))
                flags = json.Present(json.UInt32());
            else
                json.Skip();
        }
        return new CallFilter(program, flags);
    }
}
