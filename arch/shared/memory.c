/*
 * The four memory functions that a C compiler may call even in freestanding code (C17 4; GCC manual, 2.1), for every
 * port.
 *
 * Words where both sides are aligned alike, bytes at the edges and otherwise. The build must not turn these loops back
 * into calls of themselves: -fno-builtin.
 */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict destination, const void *restrict source, size_t size);
void *memmove(void *destination, const void *source, size_t size);
void *memset(void *destination, int value, size_t size);
int memcmp(const void *left, const void *right, size_t size);

/* Eight bytes of anything: exempt from the rule that an object is accessed as its own type. */
typedef uint64_t __attribute__((may_alias)) memory_word_t;

#define WORD_BYTES  sizeof(memory_word_t)
#define BYTE_TO_ALL UINT64_C(0x0101010101010101)

static size_t misalignment(const void *pointer)
{
    return (uintptr_t)pointer % WORD_BYTES;
}

/* Copies upward, so that the ranges may overlap when the destination is the lower one. */
static void copy_upward(unsigned char *destination, const unsigned char *source, size_t size)
{
    if (misalignment(destination) == misalignment(source)) {
        for (; size != 0 && misalignment(destination) != 0; size--) {
            *destination++ = *source++;
        }
        for (; size >= WORD_BYTES; size -= WORD_BYTES) {
            *(memory_word_t *)(void *)destination = *(const memory_word_t *)(const void *)source;
            destination += WORD_BYTES;
            source += WORD_BYTES;
        }
    }
    for (; size != 0; size--) {
        *destination++ = *source++;
    }
}

/* Copies downward, so that the ranges may overlap when the destination is the higher one. */
static void copy_downward(unsigned char *destination, const unsigned char *source, size_t size)
{
    destination += size;
    source += size;
    if (misalignment(destination) == misalignment(source)) {
        for (; size != 0 && misalignment(destination) != 0; size--) {
            *--destination = *--source;
        }
        for (; size >= WORD_BYTES; size -= WORD_BYTES) {
            destination -= WORD_BYTES;
            source -= WORD_BYTES;
            *(memory_word_t *)(void *)destination = *(const memory_word_t *)(const void *)source;
        }
    }
    for (; size != 0; size--) {
        *--destination = *--source;
    }
}

void *memcpy(void *restrict destination, const void *restrict source, size_t size)
{
    copy_upward(destination, source, size);
    return destination;
}

void *memmove(void *destination, const void *source, size_t size)
{
    /* One unsigned comparison asks whether the destination starts inside the source. */
    if ((uintptr_t)destination - (uintptr_t)source < size) {
        copy_downward(destination, source, size);
    } else {
        copy_upward(destination, source, size);
    }
    return destination;
}

void *memset(void *destination, int value, size_t size)
{
    unsigned char *byte = destination;
    const memory_word_t pattern = (unsigned char)value * BYTE_TO_ALL;

    for (; size != 0 && misalignment(byte) != 0; size--) {
        *byte++ = (unsigned char)value;
    }
    for (; size >= WORD_BYTES; size -= WORD_BYTES) {
        *(memory_word_t *)(void *)byte = pattern;
        byte += WORD_BYTES;
    }
    for (; size != 0; size--) {
        *byte++ = (unsigned char)value;
    }
    return destination;
}

int memcmp(const void *left, const void *right, size_t size)
{
    const unsigned char *a = left;
    const unsigned char *b = right;

    for (; size != 0; size--, a++, b++) {
        if (*a != *b) {
            return *a < *b ? -1 : 1;
        }
    }
    return 0;
}
