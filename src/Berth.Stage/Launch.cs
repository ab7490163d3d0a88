using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>The last stretch, the same for the first process and for exec: streams, limits, identity, filter, program.</summary>
internal static unsafe class Launch
{
    private const int FirstFree = 3;
    private const int SetDuplicateAbove = 1030;
    private const int OpenFiles = 7; // RLIMIT_NOFILE
    private const int OwnDescriptors = 16;
    private const uint NewListener = 8;

    public static void Run(Child* child, int terminal)
    {
        bool enters = child->Has(PlanFlags.Exec);
        if (!enters)
            SetSession();
        TakeStreams(child, terminal);
        SetLimits(child);
        CloseRest(child);
        Scheduling.Set(child);
        byte* home = stackalloc byte[Home.VariableMax];
        if (child->Has(PlanFlags.FindsHome))
            Home.Find(child->Plan->User, home);
        Await(child);
        LowerDescriptors(child);
        PlanHeader* plan = child->Plan;
        int early = ChangeDirectory(child->At(plan->WorkingDirectory));
        byte* known = stackalloc byte[ProgramSearch.PathMax];
        if (child->Has(PlanFlags.NoNewPrivileges))
            Tell.Check(child, Control(K.PR_SET_NO_NEW_PRIVS, 1), Place.Seccomp, Z("no_new_privs"u8));
        else
        {
            known = ProgramSearch.TryFind(child, Program(child), known);
            InstallFilter(child);
        }
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
        Hooks.Run(child, plan->StartHooks, plan->StartHookCount, plan->StateCreated);
        if (child->Has(PlanFlags.Init))
            TinyInit.Split(child, terminal >= 0);
        byte* found = stackalloc byte[ProgramSearch.PathMax];
        byte* program = ProgramSearch.Find(child, Program(child), found, known);
        // What a strict filter lets pass is for the program to use, not for us to look for it.
        if (child->Has(PlanFlags.NoNewPrivileges))
            InstallFilter(child);
        Execute(child, program, home);
    }

    private static byte* Program(Child* child) => child->At((uint)*(ulong*)child->At(child->Plan->Arguments));

    /// <summary>Says that all is made and waits for the word to go on.</summary>
    private static void Await(Child* child)
    {
        if (child->Has(PlanFlags.Unmonitored))
            FindEarly(child);
        Tell.Send(child, Packet.Created, Place.None, 0, null);
        if (child->Has(PlanFlags.WaitsAtSocket))
            Unmonitored.AwaitStart(child);
        else if (!ReadStart(child, child->Sync))
            Exit(1);
    }

    /// <summary>A program that is not there fails the making, as callers expect, not the start; whether the user may execute it is
    /// asked once it is the user who asks.</summary>
    private static void FindEarly(Child* child)
    {
        ChangeDirectory(child->At(child->Plan->WorkingDirectory));
        byte* found = stackalloc byte[ProgramSearch.PathMax];
        ProgramSearch.Find(child, Program(child), found, null);
    }

    /// <summary>A byte, and the pid by which the maker knows us.</summary>
    public static bool ReadStart(Child* child, int socket)
    {
        byte* go = stackalloc byte[8];
        long count = Read(socket, go, 8);
        child->HostPid = count >= 5 ? *(int*)(go + 1) : GetPid();
        return count >= 1;
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
                GiveStream(child->Stdin, plan->User);
            // So that a program of another user may open /dev/stdout, which is a link to its own descriptor.
            GiveStream(child->Stdout, plan->User);
            GiveStream(child->Stderr, plan->User);
        }
        // Sources are all above 2: the program was started with 0 to 5 open.
        Tell.Check(child, Dup2(child->Stdin, 0), Place.Plan, null);
        Tell.Check(child, Dup2(child->Stdout, 1), Place.Plan, null);
        Tell.Check(child, Dup2(child->Stderr, 2), Place.Plan, null);
    }

    /// <summary>A caller's stream may be the host's null device, which stays root's. What refuses a new owner keeps its old one.</summary>
    private static void GiveStream(int stream, uint user)
    {
        Stat stat;
        if (Fstat(stream, &stat) == 0 && stat.User != user && !IsNullDevice(stream))
            ChangeOwner(stream, user, uint.MaxValue);
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
            if (child->LimitFollows && limits[i].Resource == StageContract.ProcessLimit)
                continue;
            PlanLimit limit = limits[i];
            if (limit.Resource == OpenFiles)
                LeaveRoom(child, &limit);
            int set = Limit((int)limit.Resource, &limit, null);
            if (set < 0)
            {
                Text.Append(number, limits[i].Resource);
                Tell.WarnOrFail(child, Place.Limit, set, number);
            }
        }
    }

    /// <summary>We have more open for a moment than the program may: the limit is as low as it is to be once that is closed.</summary>
    private static void LeaveRoom(Child* child, PlanLimit* limit)
    {
        ulong needed = (ulong)Above(child) + OwnDescriptors;
        PlanLimit most;
        if (Limit(OpenFiles, null, &most) >= 0 && most.Hard < needed)
            needed = most.Hard;
        limit->Soft = limit->Soft < needed ? needed : limit->Soft;
        limit->Hard = limit->Hard < needed ? needed : limit->Hard;
    }

    private static void LowerDescriptors(Child* child)
    {
        PlanLimit* limits = (PlanLimit*)child->At(child->Plan->Limits);
        for (uint i = 0; i < child->Plan->LimitCount; i++)
        {
            // Nothing that was refused before: this is lower.
            if (limits[i].Resource == OpenFiles && limits[i].Soft < (ulong)Above(child) + OwnDescriptors)
                Limit(OpenFiles, &limits[i], null);
        }
    }

    /// <summary>Above all that is inherited, and all that we open.</summary>
    private static int Above(Child* child) => StageContract.FirstDescriptor + (int)child->Plan->InheritedCount + 8;

    /// <summary>Nothing of the host stays open: closed, not only marked, so that a directory of /proc/self/fd leads nowhere.</summary>
    private static void CloseRest(Child* child)
    {
        const int count = 4;
        int** kept = stackalloc int*[count];
        kept[0] = &child->Sync;
        kept[1] = &child->Listener;
        kept[2] = &child->Notify;
        kept[3] = &child->InitLabel;
        int preserved = (int)child->Plan->PreservedCount;
        int above = Above(child);
        for (int i = 0; i < count; i++)
        {
            if (*kept[i] < 0)
                continue;
            *kept[i] = Fcntl(*kept[i], SetDuplicateAbove, above);
            Tell.Check(child, *kept[i], Place.Plan, null);
        }
        for (int i = 0; i < preserved; i++)
            Tell.Check(child, Dup2(StageContract.FirstDescriptor + i, FirstFree + i), Place.Plan, null);
        int next = FirstFree + preserved;
        for (int i = 0; i < count; i++)
        {
            if (*kept[i] < 0)
                continue;
            Tell.Check(child, Dup3(*kept[i], next, K.O_CLOEXEC), Place.Plan, null);
            *kept[i] = next++;
        }
        Tell.Check(child, CloseRange((uint)next, uint.MaxValue, 0), Place.Plan, Z("close_range"u8));
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
        int installed = Seccomp(1, plan->FilterFlags, &program);
        Tell.Check(child, installed, Place.Seccomp, null);
        if ((plan->FilterFlags & NewListener) != 0)
            HandOver(child, installed);
    }

    /// <summary>The notify descriptor goes to who will answer for the calls. Our own calls to tell it may not be among them.</summary>
    private static void HandOver(Child* child, int notify)
    {
        byte* pid = stackalloc byte[24];
        Text.Append(pid, child->HostPid);
        PlanHeader* plan = child->Plan;
        Vector* parts = stackalloc Vector[5];
        parts[0] = Part(child->At(plan->NotifyHead));
        parts[1] = parts[3] = Part(pid);
        parts[2] = Part(child->At(plan->NotifyMiddle));
        parts[4] = Part(child->At(plan->NotifyTail));
        ControlRights rights = new() { Length = 20, Level = 1, Type = 1, Descriptor = notify };
        MessageHeader message = new()
        {
            Vectors = parts, VectorCount = 5, Control = &rights, ControlLength = sizeof(ControlRights),
        };
        Tell.Check(child, SendMessage(child->Notify, &message, 0), Place.Notify, null);
        Close(notify);
        Close(child->Notify);
    }

    private static Vector Part(byte* text) => new() { Base = text, Length = Text.Length(text) };

    private static void Execute(Child* child, byte* program, byte* home)
    {
        PlanHeader* plan = child->Plan;
        byte** arguments = Pointers(child, plan->Arguments);
        byte** environment = Pointers(child, plan->Environment);
        if (child->Has(PlanFlags.FindsHome))
            *environment = home;
        int error = Sys.Execute(program, arguments, environment);
        if (error == -K.ENOENT)
            ProgramSearch.FailInterpreter(child, program);
        Tell.Fail(child, Place.Execute, error, program);
    }

    /// <summary>Turns offsets into pointers in place: both are 8 bytes wide, and the plan is mapped privately.</summary>
    public static byte** Pointers(Child* child, uint at)
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
    /// <summary>Bytes of the longest path that is tried, its zero included.</summary>
    public const int PathMax = 4352;

    private const int DirectoryMax = 4096;
    private const int NameMax = 250;
    private const int X_OK = 1, AT_EACCESS = 0x200;

    // The system calls that look are refused: the filter is in force already.
    private const int CannotLook = -1;

    /// <summary>The program, or the end of the making.</summary>
    /// <param name="child">Whose making.</param>
    /// <param name="name">What is asked for.</param>
    /// <param name="found">Room for <see cref="PathMax"/> bytes.</param>
    /// <param name="known">Where it was when everything could be looked at, for what cannot be any more: execve will tell; or null.</param>
    public static byte* Find(Child* child, byte* name, byte* found, byte* known)
    {
        if (HasSlash(name))
        {
            int error = Probe(name);
            if (error == CannotLook)
                return name;
            if (error == K.EISDIR)
                Tell.Fail(child, Place.ProgramDirectory, error, name);
            if (error == K.EACCES)
                Tell.Fail(child, Place.ProgramForbidden, error, name);
            if (error != 0)
                Tell.Fail(child, Place.ProgramMissing, error, name);
            return name;
        }
        byte* path = child->Plan->SearchPath == 0 ? Z(""u8) : child->At(child->Plan->SearchPath);
        while (*name != 0 && Next(&path, name, found))
        {
            int error = Probe(found);
            if (error == 0)
                return found;
            if (error == CannotLook && known != null)
                return known;
        }
        Tell.Fail(child, Place.ProgramNotFound, K.ENOENT, name);
        return name;
    }

    /// <summary>The program without a failure; null when there is none.</summary>
    public static byte* TryFind(Child* child, byte* name, byte* found)
    {
        if (HasSlash(name))
            return name;
        byte* path = child->Plan->SearchPath == 0 ? Z(""u8) : child->At(child->Plan->SearchPath);
        while (*name != 0 && Next(&path, name, found))
        {
            if (Probe(found) == 0)
                return found;
        }
        return null;
    }

    /// <summary>Puts a name behind the next directory of a search path and goes past that; false at the end.</summary>
    /// <param name="path">The rest of the search path; an empty part means the working directory.</param>
    /// <param name="name">A program's name without a slash.</param>
    /// <param name="found">Room for <see cref="PathMax"/> bytes.</param>
    public static bool Next(byte** path, byte* name, byte* found)
    {
        if (**path == 0 || Text.Length(name) >= NameMax)
            return false;
        byte* end = found;
        for (; **path != 0 && **path != (byte)':'; ++*path)
        {
            if (end - found < DirectoryMax)
                *end++ = **path;
        }
        if (**path == (byte)':')
            ++*path;
        if (end == found)
            *end++ = (byte)'.';
        *end++ = (byte)'/';
        Text.Append(end, name);
        return true;
    }

    private static int Probe(byte* path)
    {
        Stat stat;
        int error = Sys.Stat(path, &stat);
        if (error < 0)
            return IsRefusal(error) ? CannotLook : -error;
        if ((stat.Mode & K.S_IFMT) == K.S_IFDIR)
            return K.EISDIR;
        if ((stat.Mode & 0x49) == 0)
            return K.EACCES;
        error = Access(path, X_OK, AT_EACCESS);
        return error == 0 ? 0 : IsRefusal(error) ? CannotLook : K.EACCES;
    }

    /// <summary>What no look at a path comes to: a filter's number, which may be any other too. stat(2), access(2).</summary>
    private static bool IsRefusal(int error) =>
        error is not (-K.EACCES or -K.ENOENT or -K.ENOTDIR or -K.ELOOP or -K.ENAMETOOLONG or -K.EIO);

    public static bool HasSlash(byte* name)
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
