/* Takes what it can and gives nothing back: memory, touched and not, objects, open files. The kernel clears up. */
#include "quarry.h"

#define PAGE 4096u

int main(int count, char **arguments)
{
    const uint64_t pages = quarry_number(count > 1 ? arguments[1] : NULL, 64);
    const unsigned access = SYSTEM_ACCESS_READ | SYSTEM_ACCESS_WRITE;
    const int64_t address = quarry_map(NULL, (size_t)(pages * PAGE), access);
    if (address < 0) {
        return quarry_failed("leak", "no memory", address);
    }
    for (uint64_t page = 0; page < pages; page++) {
        ((volatile char *)(uintptr_t)address)[page * PAGE] = 1;
    }
    for (int round = 0; round < 4; round++) {
        const int64_t object = quarry_object_create(4 * PAGE);
        const int64_t mapped = object < 0 ? object : quarry_object_map(object, 0, NULL, 4 * PAGE, access);
        if (mapped < 0) {
            return quarry_failed("leak", "no object", mapped);
        }
        *(volatile char *)(uintptr_t)mapped = 1;
        const int64_t file = quarry_open("//kern/process/stats");
        if (file < 0) {
            return quarry_failed("leak", "no file", file);
        }
    }
    return 0;
}
