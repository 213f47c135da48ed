/*
 * Memory tags on the host: no tags but the rights of the arena's pages, which the system takes away and gives back.
 * So a closed page is told by a signal, at the access, as on a machine that has tags.
 */
#include "arch/memory_tags.h"

#include <signal.h>
#include <sys/mman.h>

#include "arch/inline.h"
#include "base/check.h"

/* A fault that is not ours is met again as the handler returns, and ends the process as it would have. */
static void on_fault(int number, siginfo_t *information, void *registers)
{
    (void)registers;
    CHECK(!direct_map_contains(information->si_addr), "use of a free page");
    (void)signal(number, SIG_DFL);
}

static void set_rights(void *first, size_t count, int rights)
{
    CHECK(mprotect(first, count * PAGE_SIZE, rights) == 0, "host refuses the rights of a page");
}

bool memory_tags_are_offered(void)
{
    return true;
}

const memory_tags_t *memory_tags_probe(void *scratch)
{
    static const memory_tags_t rights = {.granule_bytes = PAGE_SIZE, .is_synchronous = true};

    (void)scratch;
    return &rights;
}

status_t memory_tags_start(void *scratch)
{
    /* Not kept from coming again: a check trap leaves the handler for good. */
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};

    (void)scratch;
    sigemptyset(&action.sa_mask);
    return sigaction(SIGSEGV, &action, NULL) == 0 ? STATUS_OK : STATUS_UNSUPPORTED;
}

void memory_tags_open(void *first, size_t count)
{
    set_rights(first, count, PROT_READ | PROT_WRITE);
}

void memory_tags_close(void *first, size_t count)
{
    set_rights(first, count, PROT_NONE);
}
