using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>The last stretch, the same for the first process and for exec: streams, limits, identity, filter, program.</summary>
internal static unsafe class Launch
{
    // After the streams this is the only descriptor that is left open.
    private const int SyncDescriptor = 3;

    public static void Run(Child* child, int terminal)
    {
        bool enters = child->Has(PlanFlags.Exec);
        if (!enters)
            SetSession();
        TakeStreams(child, terminal);
        SetLimits(child);
        CloseRest(child);
        Tell.Send(child, Packet.Created, Place.None, 0, null);
        byte go;
        if (Read(child->Sync, &go, 1) != 1)
            Exit(1);
        PlanHeader* plan = child->Plan;
        if (child->Has(PlanFlags.NoNewPrivileges))
            Tell.Check(child, Control(K.PR_SET_NO_NEW_PRIVS, 1), Place.Seccomp, Z("no_new_privs"u8));
        else
            InstallFilter(child);
        int early = ChangeDirectory(child->At(plan->WorkingDirectory));
        Identity.Take(child);
        // A directory that only root may enter was entered before, one that only the user may enter is entered now.
        if (early < 0)
        {
            byte* directory = child->At(plan->WorkingDirectory);
            Tell.Check(child, ChangeDirectory(directory), Place.WorkingDirectory, directory);
        }
        VerifyDirectory(child);
        Umask(plan->Umask);
        if (enters)
            FurtherProcess.EnterProcesses(child, terminal >= 0);
        if (child->Has(PlanFlags.Init))
            TinyInit.Split(child, terminal >= 0);
        if (child->Has(PlanFlags.NoNewPrivileges))
            InstallFilter(child);
        Execute(child);
    }

    private static void TakeStreams(Child* child, int terminal)
    {
        PlanHeader* plan = child->Plan;
        if (terminal >= 0)
        {
            ChangeOwner(terminal, plan->User, uint.MaxValue);
            child->Stdin = child->Stdout = child->Stderr = terminal;
            if (!child->Has(PlanFlags.Exec))
                Tell.Check(child, Ioctl(terminal, K.TIOCSCTTY, null), Place.Console, Z("TIOCSCTTY"u8));
        }
        else
        {
            if (child->Stdin < 0)
                child->Stdin = NullInput(child);
            else
                ChangeOwner(child->Stdin, plan->User, uint.MaxValue);
            // So that a program of another user may open /dev/stdout, which is a link to its own descriptor.
            ChangeOwner(child->Stdout, plan->User, uint.MaxValue);
            ChangeOwner(child->Stderr, plan->User, uint.MaxValue);
        }
        // Sources are all above 2: the program was started with 0 to 5 open.
        Tell.Check(child, Dup2(child->Stdin, 0), Place.Plan, null);
        Tell.Check(child, Dup2(child->Stdout, 1), Place.Plan, null);
        Tell.Check(child, Dup2(child->Stderr, 2), Place.Plan, null);
    }

    /// <summary>The container's own null device; where it has none, a pipe that nobody writes.</summary>
    /// <remarks>Never the host's: its mode could be changed through the descriptor.</remarks>
    private static int NullInput(Child* child)
    {
        int file = Open(Z("/dev/null"u8), K.O_NOFOLLOW | K.O_CLOEXEC | K.O_NONBLOCK | K.O_NOCTTY);
        if (file >= 0 && IsNullDevice(file))
            return file;
        if (file >= 0)
            Close(file);
        int* pair = stackalloc int[2];
        Tell.Check(child, Pipe(pair, K.O_CLOEXEC), Place.Plan, Z("pipe"u8));
        Close(pair[1]);
        return pair[0];
    }

    public static bool IsNullDevice(int descriptor)
    {
        Stat stat;
        return Fstat(descriptor, &stat) == 0 && (stat.Mode & K.S_IFMT) == K.S_IFCHR && stat.SpecialDevice == 0x103;
    }

    private static void SetLimits(Child* child)
    {
        PlanLimit* limits = (PlanLimit*)child->At(child->Plan->Limits);
        byte* number = stackalloc byte[24];
        for (uint i = 0; i < child->Plan->LimitCount; i++)
        {
            int set = Limit((int)limits[i].Resource, &limits[i], null);
            if (set < 0)
            {
                Text.Append(number, limits[i].Resource);
                Tell.Warn(child, Place.Limit, set, number);
            }
        }
    }

    /// <summary>Nothing of the host stays open: closed, not only marked, so that a directory of /proc/self/fd leads nowhere.</summary>
    private static void CloseRest(Child* child)
    {
        if (child->Sync != SyncDescriptor)
        {
            Tell.Check(child, Dup3(child->Sync, SyncDescriptor, K.O_CLOEXEC), Place.Plan, null);
            child->Sync = SyncDescriptor;
        }
        Tell.Check(child, CloseRange(SyncDescriptor + 1, uint.MaxValue, 0), Place.Plan, Z("close_range"u8));
    }

    private static void VerifyDirectory(Child* child)
    {
        byte* directory = stackalloc byte[4096];
        long length = GetCwd(directory, 4096);
        if (length <= 0 || directory[0] != (byte)'/')
            Tell.Fail(child, Place.WorkingDirectoryOutside, K.EACCES, child->At(child->Plan->WorkingDirectory));
    }

    private static void InstallFilter(Child* child)
    {
        PlanHeader* plan = child->Plan;
        if (plan->FilterCount == 0)
            return;
        FilterProgram program = new() { Length = (ushort)plan->FilterCount, Filter = child->At(plan->Filter) };
        Tell.Check(child, Seccomp(1, plan->FilterFlags, &program), Place.Seccomp, null);
    }

    private static void Execute(Child* child)
    {
        PlanHeader* plan = child->Plan;
        byte** arguments = Pointers(child, plan->Arguments);
        byte** environment = Pointers(child, plan->Environment);
        byte* found = stackalloc byte[4352];
        byte* program = ProgramSearch.Find(child, arguments[0], found);
        int error = Sys.Execute(program, arguments, environment);
        if (error == -K.ENOENT)
            ProgramSearch.FailInterpreter(child, program);
        Tell.Fail(child, Place.Execute, error, program);
    }

    /// <summary>Turns offsets into pointers in place: both are 8 bytes wide, and the plan is mapped privately.</summary>
    private static byte** Pointers(Child* child, uint at)
    {
        ulong* entries = (ulong*)child->At(at);
        for (int i = 0; entries[i] != 0; i++)
            entries[i] = (ulong)child->At((uint)entries[i]);
        return (byte**)entries;
    }
}

/// <summary>Finds the program as Go's exec.LookPath does, because its answers are what Docker's clients read.</summary>
internal static unsafe class ProgramSearch
{
    private const int X_OK = 1, AT_EACCESS = 0x200;

    public static byte* Find(Child* child, byte* name, byte* found)
    {
        if (HasSlash(name))
        {
            int error = Probe(name);
            if (error == K.EISDIR)
                Tell.Fail(child, Place.ProgramDirectory, error, name);
            if (error == K.EACCES)
                Tell.Fail(child, Place.ProgramForbidden, error, name);
            if (error != 0)
                Tell.Fail(child, Place.ProgramMissing, error, name);
            return name;
        }
        byte* path = child->Plan->SearchPath == 0 ? Z(""u8) : child->At(child->Plan->SearchPath);
        while (*path != 0 && *name != 0)
        {
            byte* end = found;
            for (; *path != 0 && *path != (byte)':'; path++)
            {
                if (end - found < 4096)
                    *end++ = *path;
            }
            if (*path == (byte)':')
                path++;
            if (end == found)
                *end++ = (byte)'.';
            *end++ = (byte)'/';
            if (Text.Length(name) < 250)
            {
                Text.Append(end, name);
                if (Probe(found) == 0)
                    return found;
            }
        }
        Tell.Fail(child, Place.ProgramNotFound, K.ENOENT, name);
        return name;
    }

    private static int Probe(byte* path)
    {
        Stat stat;
        int error = Sys.Stat(path, &stat);
        if (error < 0)
            return -error;
        if ((stat.Mode & K.S_IFMT) == K.S_IFDIR)
            return K.EISDIR;
        return Access(path, X_OK, AT_EACCESS) < 0 || (stat.Mode & 0x49) == 0 ? K.EACCES : 0;
    }

    private static bool HasSlash(byte* name)
    {
        for (; *name != 0; name++)
        {
            if (*name == (byte)'/')
                return true;
        }
        return false;
    }

    /// <summary>The file is there, so it is its interpreter that is not: report the script's first line.</summary>
    public static void FailInterpreter(Child* child, byte* program)
    {
        byte* line = stackalloc byte[128];
        int file = Open(program, K.O_CLOEXEC | K.O_NONBLOCK);
        long count = file < 0 ? 0 : Read(file, line, 127);
        if (count < 3 || line[0] != (byte)'#' || line[1] != (byte)'!')
            Tell.Fail(child, Place.Execute, K.ENOENT, program);
        int end = 2;
        while (end < count && line[end] != (byte)'\n')
            end++;
        line[end] = 0;
        Tell.Fail(child, Place.Interpreter, K.ENOENT, line + 2);
    }
}
