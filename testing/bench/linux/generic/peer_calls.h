/* The numbers of Linux's system calls on newer machines (Linux, include/uapi/asm-generic/unistd.h). */
#ifndef PEER_CALLS_H
#define PEER_CALLS_H

#define LINUX_WRITE         64
#define LINUX_EXIT          93
#define LINUX_CLOCK_GETTIME 113
#define LINUX_REBOOT        142
#define LINUX_GETPPID       173
#define LINUX_MUNMAP        215
#define LINUX_CLONE         220
#define LINUX_MMAP          222
#define LINUX_WAIT4         260

#endif
