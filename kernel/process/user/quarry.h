/*
 * The runtime of user programs: all of it, in one header and quarry.c.
 *
 * A program defines main(). There is no C library, no floating point and no heap; memory comes from quarry_map().
 * Results below zero are minus a status_t; kernel/system_calls.h is the reference of every call.
 */
#ifndef KERNEL_PROCESS_USER_QUARRY_H
#define KERNEL_PROCESS_USER_QUARRY_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "kernel/system_calls.h"

/* The program. What it returns is its exit status. */
int main(int count, char **arguments);

/* A system call as the machine makes it: arch/<port>/user/. */
int64_t quarry_call(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);

/* The calls, one for one. */
NORETURN void quarry_exit(int64_t status);
int64_t quarry_write(const char *bytes, size_t length);
int64_t quarry_yield(void);
int64_t quarry_getpid(void);
int64_t quarry_time(void);
int64_t quarry_open(const char *path);
int64_t quarry_read(int64_t handle, uint64_t offset, void *buffer, size_t length);
int64_t quarry_readdir(int64_t handle, uint64_t index, system_entry_t *entry);
int64_t quarry_stat(const char *path, system_entry_t *entry);
int64_t quarry_close(int64_t handle);
int64_t quarry_map(void *address, size_t size, unsigned access);
int64_t quarry_unmap(void *address, size_t size);
int64_t quarry_protect(void *address, size_t size, unsigned access);
int64_t quarry_object_create(size_t size);
int64_t quarry_object_map(int64_t handle, uint64_t offset, void *address, size_t size, unsigned access);
int64_t quarry_grant(int64_t pid, int64_t handle);
int64_t quarry_clone(void);
int64_t quarry_wait(int64_t pid, system_result_t *result);

/* Text. */
size_t quarry_length(const char *string);
void quarry_print(const char *string);
void quarry_print_number(int64_t number);

/* Reads a number, decimal or hexadecimal after 0x; `usual` when `string` is NULL or no number. */
uint64_t quarry_number(const char *string, uint64_t usual);

/* "name: message" on the console, the error's number behind it; returns 1, for main() to return. */
int quarry_failed(const char *name, const char *message, int64_t result);

/* The next of a row of numbers that look random; *state is the seed. */
uint64_t quarry_random(uint64_t *state);

#endif
