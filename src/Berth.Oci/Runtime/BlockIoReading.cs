using Berth.Oci.Json;

namespace Berth.Oci.Runtime;

// How the types of block I/O limits read themselves, as LinuxSpecReading.cs has it of the others.

public sealed partial record BlockIoLimits
{
    /// <summary>With nothing but the defaults.</summary>
    public BlockIoLimits()
    {
    }

    internal BlockIoLimits(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("weight"u8))
                Weight = json.UInt16();
            else if (json.Is("leafWeight"u8))
                LeafWeight = json.UInt16();
            else if (json.Is("weightDevice"u8))
                WeightDevice = json.Items(static (scoped ref json) => new WeightDevice(ref json));
            else if (json.Is("throttleReadBpsDevice"u8))
                ThrottleReadBpsDevice = json.Items(static (scoped ref json) => new ThrottleDevice(ref json));
            else if (json.Is("throttleWriteBpsDevice"u8))
                ThrottleWriteBpsDevice = json.Items(static (scoped ref json) => new ThrottleDevice(ref json));
            else if (json.Is("throttleReadIOPSDevice"u8))
                ThrottleReadIOPSDevice = json.Items(static (scoped ref json) => new ThrottleDevice(ref json));
            else if (json.Is("throttleWriteIOPSDevice"u8))
                ThrottleWriteIOPSDevice = json.Items(static (scoped ref json) => new ThrottleDevice(ref json));
            else
                json.Skip();
        }
    }
}

public sealed partial record WeightDevice
{
    /// <summary>With nothing but the defaults.</summary>
    public WeightDevice()
    {
    }

    internal WeightDevice(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("major"u8))
                Major = json.Present(json.Signed());
            else if (json.Is("minor"u8))
                Minor = json.Present(json.Signed());
            else if (json.Is("weight"u8))
                Weight = json.UInt16();
            else if (json.Is("leafWeight"u8))
                LeafWeight = json.UInt16();
            else
                json.Skip();
        }
    }
}

public sealed partial record ThrottleDevice
{
    /// <summary>With nothing but the defaults.</summary>
    public ThrottleDevice()
    {
    }

    internal ThrottleDevice(scoped ref FieldReader json)
    {
        while (json.Next())
        {
            if (json.Is("major"u8))
                Major = json.Present(json.Signed());
            else if (json.Is("minor"u8))
                Minor = json.Present(json.Signed());
            else if (json.Is("rate"u8))
                Rate = json.Present(json.Unsigned());
            else
                json.Skip();
        }
    }
}
