using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>Runs the specification's programs at their point, with the container's state on their standard input.</summary>
/// <remarks>OCI runtime-spec 1.2, config.md "POSIX-platform Hooks". A hook that fails ends the making.</remarks>
internal static unsafe class Hooks
{
    private const int FailedToExecute = 127;

    public static void Run(Child* child, uint at, uint count, uint stateTail)
    {
        PlanHook* hooks = (PlanHook*)child->At(at);
        for (uint i = 0; i < count; i++)
            Run(child, hooks + i, stateTail);
    }

    private static void Run(Child* child, PlanHook* hook, uint stateTail)
    {
        byte* label = child->At(hook->Label);
        int* pair = stackalloc int[2];
        Tell.Check(child, Pipe(pair, K.O_CLOEXEC), Place.Hook, label);
        int pid = Fork();
        Tell.Check(child, pid, Place.Hook, label);
        if (pid == 0)
            Become(child, hook, pair[0]);
        Close(pair[0]);
        GiveState(child, pair[1], stateTail);
        Close(pair[1]);
        int status = Await(child, hook, pid);
        if (status != 0)
            Tell.Fail(child, Place.Hook, (status & 0x7F) == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F), label);
    }

    private static void Become(Child* child, PlanHook* hook, int input)
    {
        Dup2(input, 0);
        CloseRange(3, uint.MaxValue, 0);
        byte** arguments = Launch.Pointers(child, hook->Arguments);
        byte** environment = Launch.Pointers(child, hook->Environment);
        Execute(child->At(hook->Path), arguments, environment);
        Exit(FailedToExecute);
    }

    /// <summary>A hook that does not read gets SIGPIPE's error, which is not ours: writing is only an offer.</summary>
    private static void GiveState(Child* child, int pipe, uint tail)
    {
        KernelSignalAction ignore = new() { Handler = (void*)1 };
        KernelSignalAction before;
        SetSignal(13, &ignore, &before);
        byte* pid = stackalloc byte[24];
        Text.Append(pid, GetPid());
        Put(pipe, child->At(child->Plan->StateHead));
        Put(pipe, pid);
        Put(pipe, child->At(tail));
        SetSignal(13, &before, null);
    }

    private static void Put(int pipe, byte* text) => Write(pipe, text, Text.Length(text));

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
