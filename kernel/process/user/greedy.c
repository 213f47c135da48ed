/*
 * Takes more and more of one thing until it is refused, says how much it got, and ends with what it was told:
 * greedy touches|reads|objects|areas|clones
 */
#include "quarry.h"

#define PAGE   4096u
#define ACCESS (SYSTEM_ACCESS_READ | SYSTEM_ACCESS_WRITE)

static uint64_t got;

static volatile char *map(uint64_t size)
{
    return (volatile char *)(uintptr_t)quarry_map(NULL, size, ACCESS);
}

/* Memory by use: ends in the middle of it. */
static int64_t touch_all(void)
{
    volatile char *const bytes = map(UINT64_C(1) << 35);
    for (;; got++) {
        bytes[got * PAGE] = 1;
    }
}

/* Memory by what the kernel writes for it. */
static int64_t read_into_all(void)
{
    volatile char *const bytes = map(UINT64_C(1) << 35);
    const int64_t file = quarry_open("//kern/process/stats");
    int64_t result = file;
    while (result >= 0) {
        result = quarry_read(file, 0, (void *)(uintptr_t)(bytes + got * PAGE), 1);
        got += result >= 0;
    }
    return result;
}

/* Memory of objects, that stays when it is not mapped any more: ends in the middle, if there are handles enough. */
static int64_t fill_objects(void)
{
    const size_t size = 64 * PAGE;
    for (;;) {
        const int64_t object = quarry_object_create(size);
        const int64_t mapped = object < 0 ? object : quarry_object_map(object, 0, NULL, size, ACCESS);
        if (mapped < 0) {
            return mapped;
        }
        for (size_t at = 0; at < size; at += PAGE, got++) {
            ((volatile char *)(uintptr_t)mapped)[at] = 1;
        }
        (void)quarry_unmap((void *)(uintptr_t)mapped, size);
    }
}

/* Areas that never become one: every second page. */
static int64_t map_areas(void)
{
    int64_t result = 0;
    while (result >= 0) {
        result = quarry_map((void *)(uintptr_t)(0x20000000 + got * 2 * PAGE), PAGE, ACCESS);
        got += result >= 0;
    }
    return result;
}

/* Children that nobody waits for. */
static int64_t clone_all(void)
{
    for (;; got++) {
        const int64_t pid = quarry_clone();
        if (pid == 0) {
            quarry_exit(0);
        }
        if (pid < 0) {
            return pid;
        }
    }
}

int main(int count, char **arguments)
{
    static int64_t (*const ways[])(void) = {touch_all, read_into_all, fill_objects, map_areas, clone_all};
    static const char letters[] = "troac";
    const char letter = count > 1 ? arguments[1][0] : 't';
    size_t way = 0;
    while (letters[way] != letter && way + 1 < sizeof(letters) - 1) {
        way++;
    }
    const int64_t result = ways[way]();
    quarry_print("greedy: ");
    quarry_print_number((int64_t)got);
    quarry_print(" got\n");
    return (int)-result;
}
