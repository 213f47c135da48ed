/*
 * Entry, system calls and a little text for user programs.
 */
#include "quarry.h"

/* Comes from the port's _start, with what the kernel put into the first register. */
NORETURN void quarry_start(const system_arguments_t *arguments);

void quarry_start(const system_arguments_t *arguments)
{
    quarry_exit(main((int)arguments->count, (char **)(uintptr_t)arguments->addresses));
}

static uint64_t number_of(const void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

void quarry_exit(int64_t status)
{
    for (;;) {
        (void)quarry_call(SYSTEM_CALL_EXIT, (uint64_t)status, 0, 0, 0, 0, 0);
    }
}

int64_t quarry_write(const char *bytes, size_t length)
{
    return quarry_call(SYSTEM_CALL_WRITE, number_of(bytes), length, 0, 0, 0, 0);
}

int64_t quarry_yield(void)
{
    return quarry_call(SYSTEM_CALL_YIELD, 0, 0, 0, 0, 0, 0);
}

int64_t quarry_getpid(void)
{
    return quarry_call(SYSTEM_CALL_GETPID, 0, 0, 0, 0, 0, 0);
}

int64_t quarry_time(void)
{
    return quarry_call(SYSTEM_CALL_TIME, 0, 0, 0, 0, 0, 0);
}

int64_t quarry_open(const char *path)
{
    return quarry_call(SYSTEM_CALL_OPEN, number_of(path), quarry_length(path), 0, 0, 0, 0);
}

int64_t quarry_read(int64_t handle, uint64_t offset, void *buffer, size_t length)
{
    return quarry_call(SYSTEM_CALL_READ, (uint64_t)handle, offset, number_of(buffer), length, 0, 0);
}

int64_t quarry_readdir(int64_t handle, uint64_t index, system_entry_t *entry)
{
    return quarry_call(SYSTEM_CALL_READDIR, (uint64_t)handle, index, number_of(entry), 0, 0, 0);
}

int64_t quarry_stat(const char *path, system_entry_t *entry)
{
    return quarry_call(SYSTEM_CALL_STAT, number_of(path), quarry_length(path), number_of(entry), 0, 0, 0);
}

int64_t quarry_close(int64_t handle)
{
    return quarry_call(SYSTEM_CALL_CLOSE, (uint64_t)handle, 0, 0, 0, 0, 0);
}

int64_t quarry_map(void *address, size_t size, unsigned access)
{
    return quarry_call(SYSTEM_CALL_MAP, number_of(address), size, access, 0, 0, 0);
}

int64_t quarry_unmap(void *address, size_t size)
{
    return quarry_call(SYSTEM_CALL_UNMAP, number_of(address), size, 0, 0, 0, 0);
}

int64_t quarry_protect(void *address, size_t size, unsigned access)
{
    return quarry_call(SYSTEM_CALL_PROTECT, number_of(address), size, access, 0, 0, 0);
}

int64_t quarry_object_create(size_t size)
{
    return quarry_call(SYSTEM_CALL_OBJECT_CREATE, size, 0, 0, 0, 0, 0);
}

int64_t quarry_object_map(int64_t handle, uint64_t offset, void *address, size_t size, unsigned access)
{
    return quarry_call(SYSTEM_CALL_OBJECT_MAP, (uint64_t)handle, offset, number_of(address), size, access, 0);
}

int64_t quarry_grant(int64_t pid, int64_t handle)
{
    return quarry_call(SYSTEM_CALL_GRANT, (uint64_t)pid, (uint64_t)handle, 0, 0, 0, 0);
}

int64_t quarry_clone(void)
{
    return quarry_call(SYSTEM_CALL_CLONE, 0, 0, 0, 0, 0, 0);
}

int64_t quarry_wait(int64_t pid, system_result_t *result)
{
    return quarry_call(SYSTEM_CALL_WAIT, (uint64_t)pid, number_of(result), 0, 0, 0, 0);
}

size_t quarry_length(const char *string)
{
    size_t length = 0;
    while (string[length] != '\0') {
        length++;
    }
    return length;
}

void quarry_print(const char *string)
{
    size_t length = quarry_length(string);
    while (length != 0) {
        const int64_t written = quarry_write(string, length);
        if (written <= 0) {
            return; /* nobody is left to be told */
        }
        string += written;
        length -= (size_t)written;
    }
}

void quarry_print_number(int64_t number)
{
    char text[24];
    char *at = text + sizeof(text) - 1;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    *at = '\0';
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (number < 0) {
        *--at = '-';
    }
    quarry_print(at);
}

/* The value of a digit, or 16 for what is none. */
static unsigned digit_of(char character)
{
    if (character >= '0' && character <= '9') {
        return (unsigned)(character - '0');
    }
    return character >= 'a' && character <= 'f' ? (unsigned)(character - 'a') + 10 : 16;
}

uint64_t quarry_number(const char *string, uint64_t usual)
{
    if (string == NULL || *string == '\0') {
        return usual;
    }
    const unsigned base = string[0] == '0' && string[1] == 'x' ? 16 : 10;
    uint64_t number = 0;
    for (string += base == 16 ? 2 : 0; *string != '\0'; string++) {
        const unsigned digit = digit_of(*string);
        if (digit >= base) {
            return usual;
        }
        number = number * base + digit;
    }
    return number;
}

int quarry_failed(const char *name, const char *message, int64_t result)
{
    quarry_print(name);
    quarry_print(": ");
    quarry_print(message);
    quarry_print(" (");
    quarry_print_number(result);
    quarry_print(")\n");
    return 1;
}

uint64_t quarry_random(uint64_t *state)
{
    /* SplitMix64 (Steele, Lea and Flood, 2014). */
    uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

/* What the compiler may call for a structure's assignment, whatever the flags. */
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memset(void *to, int byte, size_t size);

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    volatile char *out = to;
    const char *in = from;
    for (size_t index = 0; index < size; index++) {
        out[index] = in[index];
    }
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    volatile char *out = to;
    for (size_t index = 0; index < size; index++) {
        out[index] = (char)byte;
    }
    return to;
}
