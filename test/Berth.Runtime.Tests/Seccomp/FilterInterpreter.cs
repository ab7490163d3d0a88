using System.Buffers.Binary;

namespace Berth.Runtime.Tests.Seccomp;

/// <summary>Runs a classic BPF program on one struct seccomp_data, as the kernel would. Returns the action and the steps taken.</summary>
internal static class FilterInterpreter
{
    public const uint X64 = 0xC000003E;
    public const uint I386 = 0x40000003;

    public static (uint Action, int Steps) Run(byte[] program, uint architecture, uint number, params ulong[] arguments)
    {
        byte[] data = new byte[64];
        BinaryPrimitives.WriteUInt32LittleEndian(data, number);
        BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(4), architecture);
        for (int i = 0; i < arguments.Length; i++)
            BinaryPrimitives.WriteUInt64LittleEndian(data.AsSpan(16 + (8 * i)), arguments[i]);

        uint accumulator = 0;
        int steps = 0;
        for (int at = 0; ; at++, steps++)
        {
            ReadOnlySpan<byte> instruction = program.AsSpan(at * 8, 8);
            uint value = BinaryPrimitives.ReadUInt32LittleEndian(instruction[4..]);
            switch (BinaryPrimitives.ReadUInt16LittleEndian(instruction))
            {
                case 0x20:
                    accumulator = BinaryPrimitives.ReadUInt32LittleEndian(data.AsSpan((int)value));
                    break;
                case 0x54:
                    accumulator &= value;
                    break;
                case 0x05:
                    at += (int)value;
                    break;
                case 0x06:
                    return (value, steps);
                case 0x15:
                    at += accumulator == value ? instruction[2] : instruction[3];
                    break;
                case 0x25:
                    at += accumulator > value ? instruction[2] : instruction[3];
                    break;
                case 0x35:
                    at += accumulator >= value ? instruction[2] : instruction[3];
                    break;
                default:
                    throw new InvalidDataException($"instruction {at} is none that the compiler writes");
            }
        }
    }
}
