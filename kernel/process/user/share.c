/*
 * Two processes and one page: the child writes into a shared object and the parent reads it; what the child writes
 * elsewhere stays its own.
 */
#include "quarry.h"

#define PAGE 4096u

static volatile uint64_t own = 1;

static int child(volatile uint64_t *shared)
{
    own = 2; /* in the child's copy only */
    shared[0] = (uint64_t)quarry_getpid();
    shared[1] = own;
    return 0;
}

int main(int count, char **arguments)
{
    (void)count;
    (void)arguments;
    const int64_t object = quarry_object_create(PAGE);
    if (object < 0) {
        return quarry_failed("share", "no object", object);
    }
    const int64_t address = quarry_object_map(object, 0, NULL, PAGE, SYSTEM_ACCESS_READ | SYSTEM_ACCESS_WRITE);
    if (address < 0) {
        return quarry_failed("share", "no mapping", address);
    }
    volatile uint64_t *const shared = (volatile uint64_t *)(uintptr_t)address;
    const int64_t pid = quarry_clone();
    if (pid == 0) {
        return child(shared);
    }
    if (pid < 0) {
        return quarry_failed("share", "no child", pid);
    }
    system_result_t result;
    const int64_t waited = quarry_wait(pid, &result);
    if (waited != pid || result.end != SYSTEM_END_EXIT || result.status != 0) {
        return quarry_failed("share", "the child failed", waited);
    }
    if (shared[0] != (uint64_t)pid || shared[1] != 2 || own != 1) {
        return quarry_failed("share", "pages are mixed up", (int64_t)shared[0]);
    }
    quarry_print("share: process ");
    quarry_print_number(pid);
    quarry_print(" wrote, process ");
    quarry_print_number(quarry_getpid());
    quarry_print(" read\n");
    return 0;
}
