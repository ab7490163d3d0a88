// The payload: writes CLOCK_MONOTONIC, two 64-bit numbers, with its first instructions and ends. No libc: gcc -nostdlib -static.
#include <time.h>
#include <sys/syscall.h>

static long call(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

void _start(void)
{
    struct timespec now;
    call(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&now, 0);
    call(SYS_write, 1, (long)&now, sizeof now);
    call(SYS_exit_group, 0, 0, 0);
}
