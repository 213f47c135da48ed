/* The numbers of Linux's system calls on x86_64 (Linux, arch/x86/entry/syscalls/syscall_64.tbl). */
#ifndef PEER_CALLS_H
#define PEER_CALLS_H

#define LINUX_WRITE         1
#define LINUX_MMAP          9
#define LINUX_MUNMAP        11
#define LINUX_CLONE         56
#define LINUX_EXIT          60
#define LINUX_WAIT4         61
#define LINUX_GETPPID       110
#define LINUX_REBOOT        169
#define LINUX_CLOCK_GETTIME 228

#endif
