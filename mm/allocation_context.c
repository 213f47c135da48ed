/*
 * Contexts for CPUs: static ones for the boot CPU, pages split into contexts for the others, and a list of contexts
 * whose CPU is gone.
 */
#include "mm/allocation_context.h"

#include "arch/page_backend.h"
#include "base/check.h"
#include "base/spinlock.h"
#include "mm/pages.h"
#include "mm/slab/slab_lifecycle.h"

allocation_context_t allocation_context_boot_thread;
allocation_context_t allocation_context_boot_interrupt;

/*
 * A context that no CPU has: the list link lives in memory of its own, because counters of the context stay readable.
 */
typedef struct context_place {
    allocation_context_t context;
    struct context_place *next_idle;
} context_place_t;

#define RUN_PAGES  ALLOCATION_CONTEXT_RUN_PAGES
#define RUN_PLACES (RUN_PAGES * PAGE_SIZE / sizeof(context_place_t))

_Static_assert(RUN_PLACES >= 2, "a CPU's two contexts fit in a run");

static spinlock_t idle_lock = SPINLOCK_INITIALIZER(LOCK_RANK_CONTEXTS);
static context_place_t *idle_places;
static uint64_t context_pages;

static context_place_t *take_idle(void)
{
    const spinlock_hold_t hold = spinlock_lock(&idle_lock);
    context_place_t *const place = idle_places;
    if (place != NULL) {
        idle_places = place->next_idle;
    }
    spinlock_unlock(&idle_lock, hold);
    if (place != NULL) {
        slab_context_return(&place->context.slab);
    }
    return place;
}

static void put_idle(context_place_t *place)
{
    const spinlock_hold_t hold = spinlock_lock(&idle_lock);
    place->next_idle = idle_places;
    idle_places = place;
    spinlock_unlock(&idle_lock, hold);
}

/*
 * Makes a run of new contexts, and returns one of them; the others are idle. Its pages are contexts' for good.
 */
static context_place_t *make_contexts(void)
{
    context_place_t *const places = pages_alloc(RUN_PAGES);
    if (places == NULL) {
        return NULL;
    }
    context_place_t *first = NULL;
    __builtin_memset(places, 0, RUN_PAGES * PAGE_SIZE);
    for (size_t i = 0; i < RUN_PLACES; i++) {
        if (slab_context_register(&places[i].context.slab) != STATUS_OK) {
            break;
        }
        page_context_init(&places[i].context.pages);
        if (first == NULL) {
            first = &places[i];
        } else {
            put_idle(&places[i]);
        }
    }
    if (first == NULL) {
        pages_free(places, RUN_PAGES);
        return NULL;
    }
    const spinlock_hold_t hold = spinlock_lock(&idle_lock);
    context_pages += RUN_PAGES;
    spinlock_unlock(&idle_lock, hold);
    return first;
}

static context_place_t *obtain(void)
{
    context_place_t *const place = take_idle();
    return place != NULL ? place : make_contexts();
}

status_t allocation_contexts_attach_boot(cpu_t *cpu)
{
    CHECK(slab_context_first() == NULL, "boot CPU attached twice");
    page_context_init(&allocation_context_boot_thread.pages);
    page_context_init(&allocation_context_boot_interrupt.pages);
    status_t status = slab_context_register(&allocation_context_boot_thread.slab);
    if (status == STATUS_OK) {
        status = slab_context_register(&allocation_context_boot_interrupt.slab);
    }
    cpu->allocation_context = cpu->thread_context = &allocation_context_boot_thread;
    cpu->interrupt_context = &allocation_context_boot_interrupt;
    return status;
}

status_t allocation_contexts_attach(cpu_t *cpu)
{
    context_place_t *const thread = obtain();
    context_place_t *const interrupt = thread == NULL ? NULL : obtain();
    if (interrupt == NULL) {
        if (thread != NULL) {
            put_idle(thread);
        }
        return STATUS_NO_MEMORY;
    }
    cpu->allocation_context = cpu->thread_context = &thread->context;
    cpu->interrupt_context = &interrupt->context;
    return STATUS_OK;
}

uint64_t allocation_contexts_pages(void)
{
    const spinlock_hold_t hold = spinlock_lock(&idle_lock);
    const uint64_t pages = context_pages;
    spinlock_unlock(&idle_lock, hold);
    return pages;
}

/* Hands back what one context holds. */
static void leave(allocation_context_t *context)
{
    slab_context_leave(&context->slab);
    pages_drain_context(context);
    put_idle(CONTAINER_OF(context, context_place_t, context));
}

void allocation_contexts_detach(cpu_t *cpu)
{
    CHECK(cpu->thread_context != &allocation_context_boot_thread, "the boot CPU keeps its contexts");
    leave(cpu->thread_context);
    leave(cpu->interrupt_context);
    cpu->allocation_context = cpu->thread_context = cpu->interrupt_context = NULL;
}
