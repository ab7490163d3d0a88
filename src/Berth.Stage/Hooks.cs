using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>Runs the specification's programs at their point, with the container's state on their standard input.</summary>
/// <remarks>OCI runtime-spec 1.2, config.md "POSIX-platform Hooks". A hook that fails ends the making.</remarks>
internal static unsafe class Hooks
{
    private const int FailedToExecute = 127;
    private const int LabelMax = 120, OutputMax = 30;

    public static void Run(Child* child, uint at, uint count, uint stateTail)
    {
        PlanHook* hooks = (PlanHook*)child->At(at);
        for (uint i = 0; i < count; i++)
            Run(child, hooks + i, stateTail);
    }

    private static void Run(Child* child, PlanHook* hook, uint stateTail)
    {
        byte* label = child->At(hook->Label);
        int state = MakeState(child, stateTail);
        Tell.Check(child, state, Place.Hook, label);
        // Files in memory: what a hook says is no output of the container, and nobody has to read while it runs.
        int output = MemoryFile(Z("stdout"u8));
        Tell.Check(child, output, Place.Hook, label);
        int errors = MemoryFile(Z("stderr"u8));
        Tell.Check(child, errors, Place.Hook, label);
        int pid = Fork();
        Tell.Check(child, pid, Place.Hook, label);
        if (pid == 0)
            Become(child, hook, state, output, errors);
        Close(state);
        int status = Await(child, hook, pid);
        if (status != 0)
            Fail(child, label, (status & 0x7F) == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F), output, errors);
        Close(output);
        Close(errors);
    }

    /// <summary>Its label and the beginning of what it said, as far as a report has room.</summary>
    private static void Fail(Child* child, byte* label, int code, int output, int errors)
    {
        byte* text = stackalloc byte[Report.TextMax + 1];
        int length = Text.Length(label);
        length = length < LabelMax ? length : LabelMax;
        Text.Copy(text, label, length);
        length = Add(text, length, output, OutputMax);
        length = Add(text, length, errors, Report.TextMax - length - 1);
        text[length] = 0;
        Tell.Fail(child, Place.Hook, code, text);
    }

    private static int Add(byte* text, int length, int file, int most)
    {
        text[length++] = StageContract.HookWordsMark;
        long count = ReadAt(file, text + length, most, 0);
        int end = length + (count > 0 ? (int)count : 0);
        for (int i = length; i < end; i++)
        {
            if (text[i] is 0 or StageContract.HookWordsMark)
                text[i] = (byte)' ';
        }
        return end;
    }

    private static void Become(Child* child, PlanHook* hook, int input, int output, int errors)
    {
        Dup2(input, 0);
        Dup2(output, 1);
        Dup2(errors, 2);
        CloseRange(3, uint.MaxValue, 0);
        byte** arguments = Launch.Pointers(child, hook->Arguments);
        byte** environment = Launch.Pointers(child, hook->Environment);
        Execute(child->At(hook->Path), arguments, environment);
        Exit(FailedToExecute);
    }

    /// <summary>A file in memory: a hook that does not read keeps nobody waiting, however long the annotations are.</summary>
    private static int MakeState(Child* child, uint tail)
    {
        int state = MemoryFile(Z("state"u8));
        if (state < 0)
            return state;
        byte* pid = stackalloc byte[24];
        Text.Append(pid, GetPid());
        Put(state, child->At(child->Plan->StateHead));
        Put(state, pid);
        Put(state, child->At(tail));
        Seek(state, 0, 0);
        return state;
    }

    private static void Put(int file, byte* text) => Write(file, text, Text.Length(text));

    private static int Await(Child* child, PlanHook* hook, int pid)
    {
        int status = 0;
        if (hook->TimeoutMilliseconds != 0)
        {
            PollEntry entry = new() { Descriptor = PidDescriptor(pid), Events = K.POLLIN };
            int ready = entry.Descriptor < 0 ? entry.Descriptor : Poll(&entry, 1, (int)hook->TimeoutMilliseconds);
            if (ready <= 0)
                Kill(pid, K.SIGKILL);
            if (entry.Descriptor >= 0)
                Close(entry.Descriptor);
            if (ready <= 0)
            {
                Wait(pid, &status, 0);
                Tell.Fail(child, Place.HookTimeout, K.ETIMEDOUT, child->At(hook->Label));
            }
        }
        while (Wait(pid, &status, 0) == -K.EINTR)
        {
        }
        return status;
    }
}
