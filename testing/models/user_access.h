/*
 * Accesses as user code makes them: in user mode on machines that have one (user_access.c), through the software's
 * translation cache on the host (user_access_host.c). So one suite holds all of them to the same rows.
 */
#ifndef TESTING_MODELS_USER_ACCESS_H
#define TESTING_MODELS_USER_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/page_access.h"
#include "base/compiler.h"

/* Where a page made by user_access_prepare() is mapped for the user to execute, in every table that is tried. */
#define USER_ACCESS_CODE UINT64_C(0x3fffe00000)

/* What a store stores. */
#define USER_ACCESS_STORED 0xa5

/* Fills `page` with the programs that make the accesses. */
void user_access_prepare(void *page);

/* Fills 8 bytes, at a multiple of 16, so that executing there is noticed. */
void user_access_fill(void *cell);

/* What came of an access. */
typedef enum user_access_result {
    USER_ACCESS_DONE,
    USER_ACCESS_FAULT,      /* a page fault that said where, what kind of access, and which instruction */
    USER_ACCESS_WRONG_TALE, /* a fault that said something else */
    USER_ACCESS_LOST,       /* neither came in a bounded time */
} user_access_result_t;

/*
 * One access to the byte at `address` in the table that is active on this CPU: PAGE_ACCESS_READ, which stores what was
 * read in *value, PAGE_ACCESS_WRITE, or PAGE_ACCESS_EXECUTE. Thread context, any CPU.
 */
MUST_USE user_access_result_t user_access_try(uintptr_t address, page_access_t access, uint8_t *value);

#endif
