/*
 * System calls: what user programs and the kernel agree on. Shared by both sides, and the same on every machine.
 *
 * A call has a number and up to six arguments. Its result is a number from 0 up, or minus a status_t (base/status.h);
 * nothing else changes when it failed. Pointers are checked as the program's own accesses would be: what it may not
 * read, no call reads for it. An unknown number gives minus STATUS_UNSUPPORTED. Lengths above a limit are cut to it
 * where the result tells how much was done, and refused with STATUS_OUT_OF_RANGE elsewhere.
 */
#ifndef KERNEL_SYSTEM_CALLS_H
#define KERNEL_SYSTEM_CALLS_H

#include <stdint.h>

typedef enum system_call {
    SYSTEM_CALL_EXIT,          /* (status): does not return */
    SYSTEM_CALL_WRITE,         /* (bytes, length): to the console; returns how many bytes went out */
    SYSTEM_CALL_YIELD,         /* (): lets others run */
    SYSTEM_CALL_GETPID,        /* (): the caller's number */
    SYSTEM_CALL_TIME,          /* (): nanoseconds since boot */
    SYSTEM_CALL_OPEN,          /* (path, length): opens a KFS file or directory; returns a handle */
    SYSTEM_CALL_READ,          /* (handle, offset, buffer, length): returns how many bytes; 0 at the end */
    SYSTEM_CALL_READDIR,       /* (handle, index, entry): fills a system_entry_t; STATUS_NOT_FOUND past the last one */
    SYSTEM_CALL_STAT,          /* (path, length, entry): fills a system_entry_t */
    SYSTEM_CALL_CLOSE,         /* (handle) */
    SYSTEM_CALL_MAP,           /* (address, size, access): zeroed memory; address 0: anywhere; returns the address */
    SYSTEM_CALL_UNMAP,         /* (address, size) */
    SYSTEM_CALL_PROTECT,       /* (address, size, access) */
    SYSTEM_CALL_OBJECT_CREATE, /* (size): memory that can be shared; returns a handle */
    SYSTEM_CALL_OBJECT_MAP,    /* (handle, offset, address, size, access): maps a part of it; returns the address */
    SYSTEM_CALL_GRANT,         /* (pid, handle): gives a child the object as well; returns the handle's number there */
    SYSTEM_CALL_CLONE,         /* (): a child with a copy of all memory and handles; returns its pid, 0 in the child */
    SYSTEM_CALL_WAIT,          /* (pid, result): until a child (0: any) has ended; fills a system_result_t; its pid */
    SYSTEM_CALL_COUNT,
} system_call_t;

/* Rights of a mapping. Writable implies readable; writable and executable together are refused. */
#define SYSTEM_ACCESS_READ    1u
#define SYSTEM_ACCESS_WRITE   2u
#define SYSTEM_ACCESS_EXECUTE 4u

#define SYSTEM_PATH_MAX    255u                 /* characters of a path */
#define SYSTEM_WRITE_MAX   4096u                /* bytes that one write or read moves at most */
#define SYSTEM_HANDLES_MAX 16u                  /* open files and memory objects of one process */
#define SYSTEM_MAP_MAX     (UINT64_C(1) << 36)  /* bytes of one mapping */
#define SYSTEM_OBJECT_MAX  (UINT64_C(16) << 20) /* bytes of one memory object */
#define SYSTEM_NAME_MAX    31u

/* A file or directory. */
typedef struct system_entry {
    uint64_t size; /* of a file's text, or how many entries a directory has; 0 from readdir */
    uint8_t is_directory;
    uint8_t is_readable;
    uint8_t is_writable;
    char name[SYSTEM_NAME_MAX + 1];
    uint8_t unused[5]; /* zero */
} system_entry_t;

_Static_assert(sizeof(system_entry_t) == 48, "the same on both sides, without hidden bytes");

/* How a process ended. */
typedef enum system_end {
    SYSTEM_END_EXIT,   /* it said so: status is its own */
    SYSTEM_END_FAULT,  /* an access or instruction that it had no right to */
    SYSTEM_END_KILL,   /* somebody else said so */
    SYSTEM_END_MEMORY, /* a page that it had a right to could not be had */
} system_end_t;

typedef struct system_result {
    uint64_t end; /* a system_end_t */
    int64_t status;
} system_result_t;

/* What the first instruction finds in the first argument's register: the address of this, with strings behind it. */
typedef struct system_arguments {
    uint64_t count;
    uint64_t addresses[]; /* `count` of them, each a string's */
} system_arguments_t;

#endif
