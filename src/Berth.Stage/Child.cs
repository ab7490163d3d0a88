using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>What a container process's making works on: on the monitor's stack and, after clone3, on the child's copy of it.</summary>
internal unsafe struct Child
{
    public PlanHeader* Plan;
    public int Sync;
    public int Root;
    public int Terminals;
    public int Stdin, Stdout, Stderr;
    public int Listener, Notify;
    public int InitLabel;
    public int HostPid;
    public int MaskDirectory, MaskFile;
    public int MappedRoot;
    public bool InCgroup;
    public bool LimitFollows; // RLIMIT_NPROC is for the process that becomes the program, not for the one that makes it.
    public bool MakerSetsLimit;

    public readonly byte* At(uint offset) => (byte*)Plan + offset;

    public readonly bool Has(PlanFlags flag) => (Plan->Flags & flag) != 0;
}

/// <summary>Tells the monitor how it goes, over the socket between the two.</summary>
internal static unsafe class Tell
{
    /// <summary>Ends the child with a failure that the engine can make a sentence of.</summary>
    public static void Fail(Child* child, Place place, int error, byte* text)
    {
        Send(child, Packet.Failed, place, error < 0 ? -error : error, text);
        Exit(1);
    }

    /// <summary>Fails when the result is a negative error number.</summary>
    public static void Check(Child* child, long result, Place place, byte* text)
    {
        if (result < 0)
            Fail(child, place, (int)result, text);
    }

    /// <summary>Fails at a mount when the result is a negative error number.</summary>
    /// <param name="child">The making.</param>
    /// <param name="result">What a call gave.</param>
    /// <param name="place">The step.</param>
    /// <param name="source">What is mounted.</param>
    /// <param name="target">Where.</param>
    /// <param name="detail">What of it is refused, such as an option; null: nothing in particular.</param>
    public static void CheckMount(Child* child, long result, Place place, byte* source, byte* target, byte* detail = null)
    {
        if (result >= 0)
            return;
        Report report;
        Fill(&report, Packet.Failed, place, (int)-result, null);
        int length = Append(&report, 0, source, Report.PartMax);
        length = Append(&report, length + 1, target, Report.PartMax);
        if (detail != null)
            length = Append(&report, length + 1, detail, Report.TextMax - length - 1);
        report.TextLength = length;
        Write(child->Sync, &report, sizeof(Report));
        Exit(1);
    }

    private static int Append(Report* report, int at, byte* text, int max)
    {
        int count = 0;
        for (; count < max && text[count] != 0; count++)
            report->Text[at + count] = text[count];
        return at + count;
    }

    public static void Warn(Child* child, Place place, long error, byte* text) =>
        Send(child, Packet.Warning, place, (int)(error < 0 ? -error : error), text);

    /// <summary>Something that this caller may not give: left out with a warning, or the end of a strict making.</summary>
    public static void WarnOrFail(Child* child, Place place, long error, byte* text)
    {
        if (child->Has(PlanFlags.Strict))
            Fail(child, place, (int)error, text);
        Warn(child, place, error, text);
    }

    public static void Send(Child* child, Packet kind, Place place, int value, byte* text)
    {
        Report report;
        Fill(&report, kind, place, value, text);
        Write(child->Sync, &report, sizeof(Report));
    }

    public static void Fill(Report* report, Packet kind, Place place, int value, byte* text)
    {
        Text.Zero(report, sizeof(Report));
        report->Kind = kind;
        report->Place = place;
        report->Value = value;
        if (text == null)
            return;
        int length = 0;
        while (length < Report.TextMax && text[length] != 0)
        {
            report->Text[length] = text[length];
            length++;
        }
        report->TextLength = length;
    }
}
