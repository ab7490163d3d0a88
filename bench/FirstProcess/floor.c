// The floor of ADR 0001, candidate (d): the least a container's first process costs when a small static C program makes it.
// Namespaces, overlay root, proc, dev, pts, shm, mqueue, sysfs, nodes, masks, pivot, capabilities, and a system call filter if
// given. No cgroup, no log, no monitor, no streams: those are what a runtime adds.
// build: gcc -O2 -static -o floor floor.c
// usage: floor [-s FILTER] LOWER UPPER WORK MERGED PROGRAM [ARGUMENT...]   its exit code is the program's
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_CAPABILITIES 0xa80425fbULL
#define QUIET (MS_NOSUID | MS_NOEXEC | MS_NODEV)

static struct sock_filter filter[4096];
static unsigned short filter_length;

static void check(long result, const char *what)
{
    if (result >= 0)
        return;
    dprintf(2, "floor: %s: %s\n", what, strerror(errno));
    _exit(111);
}

static void mount_root(char **paths)
{
    char options[8192];
    snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s,workdir=%s", paths[0], paths[1], paths[2]);
    check(mount("none", "/", 0, MS_REC | MS_PRIVATE, 0), "private");
    check(mount("overlay", paths[3], "overlay", 0, options), "overlay");
    check(chdir(paths[3]), "chdir");
}

static void mount_systems(void)
{
    check(mount("proc", "proc", "proc", QUIET, 0), "proc");
    check(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"), "dev");
    check(mkdir("dev/pts", 0755), "mkdir");
    check(mkdir("dev/shm", 0755), "mkdir");
    check(mkdir("dev/mqueue", 0755), "mkdir");
    check(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620"), "devpts");
    check(mount("shm", "dev/shm", "tmpfs", QUIET, "mode=1777,size=65536k"), "shm");
    check(mount("mqueue", "dev/mqueue", "mqueue", QUIET, 0), "mqueue");
    check(mount("sysfs", "sys", "sysfs", QUIET | MS_RDONLY, 0), "sysfs");
}

static void make_nodes(void)
{
    static const struct { const char *path; int major, minor; } nodes[] = {
        {"dev/null", 1, 3}, {"dev/zero", 1, 5}, {"dev/full", 1, 7}, {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0},
    };
    mode_t old = umask(0);
    for (unsigned i = 0; i < sizeof nodes / sizeof *nodes; i++)
        check(mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)), nodes[i].path);
    umask(old);
    check(symlink("/proc/self/fd", "dev/fd"), "symlink");
    check(symlink("/proc/self/fd/0", "dev/stdin"), "symlink");
    check(symlink("/proc/self/fd/1", "dev/stdout"), "symlink");
    check(symlink("/proc/self/fd/2", "dev/stderr"), "symlink");
    check(symlink("pts/ptmx", "dev/ptmx"), "symlink");
}

static void hide(void)
{
    static const char *fixed[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"};
    static const char *files[] = {"proc/kcore", "proc/keys", "proc/timer_list", "proc/sched_debug", "proc/interrupts"};
    static const char *directories[] = {"proc/scsi", "proc/acpi", "sys/firmware", "sys/devices/virtual/powercap"};
    for (unsigned i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        if (mount(fixed[i], fixed[i], 0, MS_BIND | MS_REC, 0) == 0)
            check(mount(0, fixed[i], 0, MS_BIND | MS_REMOUNT | MS_RDONLY | QUIET, 0), fixed[i]);
    }
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++)
        check(mount("/dev/null", files[i], 0, MS_BIND, 0) == 0 || errno == ENOENT ? 0 : -1, files[i]);
    for (unsigned i = 0; i < sizeof directories / sizeof *directories; i++)
        check(mount("tmpfs", directories[i], "tmpfs", MS_RDONLY, 0) == 0 || errno == ENOENT ? 0 : -1, directories[i]);
}

static void bring_loopback_up(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    check(ioctl(sock, SIOCSIFFLAGS, &request), "lo");
    close(sock);
}

static void confine(void)
{
    check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
    check(umount2(".", MNT_DETACH), "umount");
    check(chdir("/"), "chdir /");
    for (int i = 0; i <= CAP_LAST_CAP; i++) {
        if (!(DEFAULT_CAPABILITIES >> i & 1))
            check(prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == 0 || errno == EINVAL ? 0 : -1, "bounding set");
    }
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2] = {{(uint32_t)DEFAULT_CAPABILITIES, (uint32_t)DEFAULT_CAPABILITIES, 0}};
    if (filter_length) {
        struct sock_fprog program = {filter_length, filter};
        check(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), "seccomp");
    }
    check(syscall(SYS_capset, &head, sets), "capset");
}

static int first_process(char **arguments)
{
    char *environment[] = {"PATH=/bin:/usr/bin:/", 0};
    mount_root(arguments);
    mount_systems();
    make_nodes();
    hide();
    check(sethostname("floor", 5), "hostname");
    bring_loopback_up();
    confine();
    execve(arguments[4], arguments + 4, environment);
    check(-1, arguments[4]);
    return 1;
}

int main(int count, char **arguments)
{
    if (count > 2 && strcmp(arguments[1], "-s") == 0) {
        int file = open(arguments[2], O_RDONLY | O_CLOEXEC);
        long bytes = read(file, filter, sizeof filter);
        check(bytes, arguments[2]);
        filter_length = bytes / sizeof *filter;
        close(file);
        arguments += 2;
        count -= 2;
    }
    if (count < 6) {
        dprintf(2, "usage: floor [-s FILTER] LOWER UPPER WORK MERGED PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    struct clone_args how = {.exit_signal = SIGCHLD};
    how.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP;
    long pid = syscall(SYS_clone3, &how, sizeof how);
    check(pid, "clone3");
    if (pid == 0)
        return first_process(arguments + 1);
    int status;
    check(waitpid(pid, &status, 0), "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
