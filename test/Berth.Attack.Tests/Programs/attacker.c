// The attacker's tools, linked statically and put into the image of the tests: what a shell cannot do, or not fast enough.
// usage: attacker VERB [ARGUMENT...]; each verb says at its function what it prints.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

// swap A B: exchanges two names as fast as the kernel can, and writes the count to the file "rounds" now and then.
static int swap(char **names) {
    int file = open("rounds", O_WRONLY | O_CREAT, 0644);
    for (long count = 1;; count++) {
        if (syscall(SYS_renameat2, AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE) < 0) {
            perror("renameat2");
            return 1;
        }
        char text[32];
        if (count % 1000 == 0 && pwrite(file, text, sprintf(text, "%ld\n", count), 0) < 0)
            return 1;
    }
}

// fds: the descriptors that were inherited beside the standard streams.
static int descriptors(void) {
    DIR *directory = opendir("/proc/self/fd");
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        int number = atoi(entry->d_name);
        if (number <= 2 || number == dirfd(directory))
            continue;
        char path[64], target[512] = "";
        snprintf(path, sizeof path, "/proc/self/fd/%d", number);
        if (readlink(path, target, sizeof target - 1) < 0)
            strcpy(target, "?");
        printf("%d %s\n", number, target);
    }
    return 0;
}

static int try_write(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)walk;
    if (type != FTW_F || !S_ISREG(status->st_mode))
        return 0;
    int file = open(path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW);
    if (file >= 0) {
        printf("%s\n", path);
        close(file);
    }
    return 0;
}

// writable DIRECTORY...: every regular file below that can be opened for writing.
static int writable(char **directories) {
    for (; *directories; directories++)
        nftw(*directories, try_write, 64, FTW_PHYS | FTW_MOUNT);
    return 0;
}

// opened FILE: prints "watching", then "opened" when somebody opens the file, until its input ends.
static int opened(const char *path) {
    int watch = inotify_init1(IN_CLOEXEC);
    if (watch < 0 || inotify_add_watch(watch, path, IN_OPEN) < 0) {
        perror(path);
        return 1;
    }
    printf("watching\n");
    fflush(stdout);
    struct pollfd wait[2] = {{.fd = watch, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    while (poll(wait, 2, -1) > 0) {
        char buffer[4096];
        if (wait[0].revents) {
            printf("opened\n");
            fflush(stdout);
            if (read(watch, buffer, sizeof buffer) < 0)
                return 1;
        }
        if (wait[1].revents && read(0, buffer, sizeof buffer) <= 0)
            return 0;
    }
    return 0;
}

// catch SECONDS SECRET: looks at every process that appears as soon as it appears, tries to get at its root, its descriptors and
// its program, and prints what it got: "root", "fd TARGET", "rights SET", "traced PROGRAM", "written PROGRAM".
static int catch(int seconds, const char *secret) {
    char path[320], target[512];
    for (time_t end = time(NULL) + seconds; end > time(NULL);) {
        DIR *processes = opendir("/proc");
        for (struct dirent *entry; processes && (entry = readdir(processes));) {
            int pid = atoi(entry->d_name);
            if (pid <= 1 || pid == getpid())
                continue;
            snprintf(path, sizeof path, "/proc/%d/exe", pid);
            long length = readlink(path, target, sizeof target - 1);
            target[length < 0 ? 0 : length] = 0;
            // Programs of the image are no prey.
            if (length > 0 && (!strncmp(target, "/bin/", 5) || !strncmp(target, "/attacker", 9)))
                continue;
            const char *places[] = {"root", "cwd"};
            for (int i = 0; i < 2; i++) {
                snprintf(path, sizeof path, "/proc/%d/%s%s", pid, places[i], secret);
                int file = open(path, O_RDONLY);
                if (file >= 0)
                    printf("root\n");
                close(file);
            }
            snprintf(path, sizeof path, "/proc/%d/status", pid);
            FILE *status = fopen(path, "r");
            while (status && fgets(target, sizeof target, status))
                if (!strncmp(target, "CapEff:", 7) || !strncmp(target, "CapPrm:", 7))
                    printf("rights %s", target + 8);
            if (status)
                fclose(status);
            snprintf(path, sizeof path, "/proc/%d/exe", pid);
            int program = open(path, O_WRONLY | O_NONBLOCK);
            if (program >= 0) {
                if (write(program, "#!/attacker\n", 12) > 0)
                    printf("written %s\n", target);
                close(program);
            }
            snprintf(path, sizeof path, "/proc/%d/fd", pid);
            DIR *files = opendir(path);
            for (struct dirent *file; files && (file = readdir(files));) {
                snprintf(path, sizeof path, "/proc/%d/fd/%s", pid, file->d_name);
                length = readlink(path, target, sizeof target - 1);
                if (length > 0) {
                    target[length] = 0;
                    if (strncmp(target, "pipe:", 5) && strncmp(target, "/dev/", 5))
                        printf("fd %s\n", target);
                }
            }
            if (files)
                closedir(files);
            if (ptrace(PTRACE_SEIZE, pid, 0, 0) == 0) {
                snprintf(path, sizeof path, "/proc/%d/exe", pid);
                length = readlink(path, target, sizeof target - 1);
                target[length < 0 ? 0 : length] = 0;
                if (length > 0 && strncmp(target, "/bin/", 5) && strncmp(target, "/attacker", 9))
                    printf("traced %s\n", target);
                ptrace(PTRACE_INTERRUPT, pid, 0, 0);
                waitpid(pid, NULL, __WALL);
                ptrace(PTRACE_DETACH, pid, 0, 0);
            }
        }
        if (processes)
            closedir(processes);
        fflush(stdout);
    }
    return 0;
}

// hold FILE: keeps a descriptor of every foreign program it sees run, and writes to it as soon as nobody runs it any more, until FILE
// exists. Prints "held PROGRAM" and "written PROGRAM".
static int hold(const char *end) {
    struct { int file; dev_t device; ino_t number; int written; char name[128]; } held[256];
    int count = 0;
    while (access(end, F_OK)) {
        DIR *processes = opendir("/proc");
        for (struct dirent *entry; processes && (entry = readdir(processes));) {
            char path[64], target[128];
            int pid = atoi(entry->d_name), known = 0;
            if (pid < 1 || pid == getpid() || count == sizeof held / sizeof *held)
                continue;
            snprintf(path, sizeof path, "/proc/%d/exe", pid);
            struct stat status;
            int file = open(path, O_RDONLY | O_CLOEXEC);
            if (file < 0)
                file = open(path, O_PATH | O_CLOEXEC);
            if (file < 0)
                continue;
            // By what is held: the process may run another program by now.
            snprintf(path, sizeof path, "/proc/self/fd/%d", file);
            long length = readlink(path, target, sizeof target - 1);
            target[length < 0 ? 0 : length] = 0;
            // Programs of the image are no prey.
            if (!strncmp(target, "/bin/", 5) || !strncmp(target, "/attacker", 9) || fstat(file, &status) < 0) {
                close(file);
                continue;
            }
            for (int i = 0; i < count; i++)
                known |= held[i].device == status.st_dev && held[i].number == status.st_ino;
            if (known) {
                close(file);
                continue;
            }
            held[count].written = 0, held[count].file = file, held[count].device = status.st_dev, held[count].number = status.st_ino;
            strcpy(held[count++].name, target);
            printf("held %s\n", target);
        }
        if (processes)
            closedir(processes);
        for (int i = 0; i < count; i++) {
            char path[64];
            snprintf(path, sizeof path, "/proc/self/fd/%d", held[i].file);
            int file = open(path, O_WRONLY | O_CLOEXEC);
            if (file >= 0 && (write(file, "#!/attacker\n", 12) > 0 || !ftruncate(file, 0)) && !held[i].written++)
                printf("written %s\n", held[i].name);
            close(file);
        }
        fflush(stdout);
    }
    return 0;
}

// abstract: connects to every abstract socket of the network namespace; prints the names of those that answer.
static int abstract(void) {
    FILE *list = fopen("/proc/net/unix", "r");
    char line[1024];
    while (list && fgets(line, sizeof line, list)) {
        char *at = strchr(line, '@');
        if (!at)
            continue;
        at[strcspn(at, "\n")] = 0;
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        size_t length = strlen(at);
        if (length > sizeof address.sun_path)
            continue;
        memcpy(address.sun_path + 1, at + 1, length - 1);
        int types[] = {SOCK_STREAM, SOCK_SEQPACKET};
        for (int i = 0; i < 2; i++) {
            int socket_ = socket(AF_UNIX, types[i] | SOCK_NONBLOCK, 0);
            if (connect(socket_, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + length) == 0)
                printf("%s\n", at);
            close(socket_);
        }
    }
    return 0;
}

// advertise INTERFACE PREFIX: a router advertisement to all nodes, as a router of the link would send it.
static int advertise(const char *interface) {
    int packets = socket(AF_PACKET, SOCK_RAW, htons(0x86DD));
    if (packets < 0) {
        perror("AF_PACKET");
        return 1;
    }
    unsigned char frame[14 + 40 + 16 + 32] = {
        0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0x66, 0x86, 0xDD,
        0x60, 0, 0, 0, 0, 48, 58, 255,
        0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x66,
        0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
        134, 0, 0, 0, 64, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0,
        3, 4, 64, 0xC0, 0, 1, 0x51, 0x80, 0, 0, 0x38, 0x40, 0, 0, 0, 0,
        0x20, 1, 0x0D, 0xB8, 0, 0x66, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    };
    unsigned sum = 48 + 58;
    for (int i = 22; i < (int)sizeof frame; i += 2)
        sum += frame[i] << 8 | frame[i + 1];
    while (sum >> 16)
        sum = (sum & 0xFFFF) + (sum >> 16);
    frame[56] = ~sum >> 8;
    frame[57] = ~sum;
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(interface), .sll_halen = 6};
    memcpy(to.sll_addr, frame, 6);
    for (int i = 0; i < 20; i++) {
        if (sendto(packets, frame, sizeof frame, 0, (struct sockaddr *)&to, sizeof to) != sizeof frame) {
            perror("sendto");
            return 1;
        }
    }
    printf("sent\n");
    return 0;
}

static int failed(long result) { return result < 0 ? errno : 0; }

static void report(const char *name, int error) { printf("%s %d\n", name, error); }

// A call of the 32-bit interface; the kernel answers with a negative error number.
static long call32(long number, long first, long second) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(first), "c"(second), "d"(0L), "S"(0L), "D"(0L)
                     : "memory", "r8", "r9", "r10", "r11");
    return (int)result;
}

// calls: "NAME ERRNO" for calls that the profile refuses, in every interface that the processor offers.
static int calls(void) {
    struct { const char *name; long number, number32; } refused[] = {
        {"add_key", SYS_add_key, 286}, {"keyctl", SYS_keyctl, 288}, {"request_key", SYS_request_key, 287},
        {"bpf", SYS_bpf, 357}, {"userfaultfd", SYS_userfaultfd, 374}, {"perf_event_open", SYS_perf_event_open, 336},
        {"mount", SYS_mount, 21}, {"umount2", SYS_umount2, 52}, {"pivot_root", SYS_pivot_root, 217},
        {"setns", SYS_setns, 346}, {"swapon", SYS_swapon, 87}, {"reboot", SYS_reboot, 88},
        {"init_module", SYS_init_module, 128}, {"kexec_load", SYS_kexec_load, 283},
        {"open_by_handle_at", SYS_open_by_handle_at, 342}, {"quotactl", SYS_quotactl, 131}, {"acct", SYS_acct, 51},
        {"move_mount", 429, 429}, {"open_tree", 428, 428}, {"fsopen", 430, 430}, {"mount_setattr", 442, 442},
        {"io_uring_setup", 425, 425}, {"lookup_dcookie", 212, 253}, {"nfsservctl", 180, 169},
    };
    for (unsigned i = 0; i < sizeof refused / sizeof *refused; i++) {
        char name[64];
        report(refused[i].name, failed(syscall(refused[i].number, 0, 0, 0, 0, 0, 0)));
        snprintf(name, sizeof name, "x32:%s", refused[i].name);
        report(name, failed(syscall(refused[i].number | 0x40000000, 0, 0, 0, 0, 0, 0)));
        snprintf(name, sizeof name, "i386:%s", refused[i].name);
        report(name, -(int)call32(refused[i].number32, 0, 0));
    }
    report("unshare(user)", failed(syscall(SYS_unshare, CLONE_NEWUSER)));
    report("unshare(mount)", failed(syscall(SYS_unshare, CLONE_NEWNS)));
    report("i386:unshare(user)", -(int)call32(310, CLONE_NEWUSER, 0));
    report("clone(user)", failed(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)));
    report("i386:clone(user)", -(int)call32(120, CLONE_NEWUSER | SIGCHLD, 0));
    // Families that are refused, by the call itself, with the upper half of the register set, and by the 32-bit call whose arguments
    // stand in memory that its pointer reaches. One that opens is reported as 0.
    struct { const char *name; int family, type; } sockets[] = {{"vsock", AF_VSOCK, SOCK_STREAM}, {"alg", AF_ALG, SOCK_SEQPACKET}};
    unsigned *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    for (unsigned i = 0; i < sizeof sockets / sizeof *sockets; i++) {
        char name[64];
        long high = 0x100000000L | sockets[i].family;
        snprintf(name, sizeof name, "socket(%s)", sockets[i].name);
        report(name, failed(syscall(SYS_socket, sockets[i].family, sockets[i].type, 0)));
        snprintf(name, sizeof name, "high:socket(%s)", sockets[i].name);
        report(name, failed(syscall(SYS_socket, high, sockets[i].type, 0)));
        snprintf(name, sizeof name, "i386:socket(%s)", sockets[i].name);
        report(name, -(int)call32(359, sockets[i].family, sockets[i].type));
        snprintf(name, sizeof name, "i386:high:socket(%s)", sockets[i].name);
        report(name, -(int)call32(359, high, sockets[i].type));
        memory[0] = sockets[i].family, memory[1] = sockets[i].type, memory[2] = 0;
        snprintf(name, sizeof name, "i386:socketcall(%s)", sockets[i].name);
        report(name, -(int)call32(102, 1, (long)memory));
    }
    return 0;
}

// unknown: "NAME ERRNO" for calls that a C library falls back from when they are ENOSYS.
static int unknown(void) {
    report("clone3", failed(syscall(435, 0, 0)));
    report("number 2000", failed(syscall(2000, 0)));
    return 0;
}

// keep RING NAME VALUE: puts a key into a keyring, "session" or "user-session". find NAME: prints what a key of that name in the session keyring holds, or "none".
static int keep(const char *ring, const char *name, const char *value) {
    return syscall(SYS_add_key, "user", name, value, strlen(value), strcmp(ring, "session") ? -5 : -3) < 0 ? (perror("add_key"), 1) : 0;
}

static int find(const char *name) {
    char value[256];
    long key = syscall(SYS_keyctl, 10, -3L, "user", name, 0L);
    long length = key < 0 ? -1 : syscall(SYS_keyctl, 11, key, value, sizeof value, 0L);
    if (key < 0 && errno != ENOKEY && errno != EKEYEXPIRED && errno != EKEYREVOKED) printf("refused: %s\n", strerror(errno));
    else if (length < 0) puts("none");
    else printf("%.*s\n", (int)length, value);
    return 0;
}

// deep DIRECTORY LEVELS: a tree of directories far deeper than any path is long, with a file at the bottom.
static int deep(const char *directory, long levels) {
    if (chdir(directory) < 0) return perror(directory), 1;
    for (long i = 0; i < levels; i++)
        if (mkdir("d", 0777) < 0 || chdir("d") < 0) return perror("d"), 1;
    return close(open("bottom", O_WRONLY | O_CREAT, 0644));
}

int main(int count, char **arguments) {
    const char *verb = count > 1 ? arguments[1] : "";
    if (!strcmp(verb, "swap") && count == 4) return swap(arguments + 2);
    if (!strcmp(verb, "fds")) return descriptors();
    if (!strcmp(verb, "writable")) return writable(arguments + 2);
    if (!strcmp(verb, "opened") && count == 3) return opened(arguments[2]);
    if (!strcmp(verb, "catch") && count == 4) return catch(atoi(arguments[2]), arguments[3]);
    if (!strcmp(verb, "hold") && count == 3) return hold(arguments[2]);
    if (!strcmp(verb, "abstract")) return abstract();
    if (!strcmp(verb, "advertise") && count == 3) return advertise(arguments[2]);
    if (!strcmp(verb, "calls")) return calls();
    if (!strcmp(verb, "unknown")) return unknown();
    if (!strcmp(verb, "keep") && count == 5) return keep(arguments[2], arguments[3], arguments[4]);
    if (!strcmp(verb, "find") && count == 3) return find(arguments[2]);
    if (!strcmp(verb, "deep") && count == 4) return deep(arguments[2], atol(arguments[3]));
    fprintf(stderr, "attacker: unknown verb %s\n", verb);
    return 2;
}
