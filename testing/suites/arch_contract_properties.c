/*
 * What every port promises (arch/include/arch/): the same properties on the host and on each machine. A new port is
 * done when they pass.
 *
 * Nothing here knows a machine. What one CPU can't show alone is shown on all that run.
 */
#include <stdatomic.h>

#include "arch/cpu.h"
#include "arch/cpu_features.h"
#include "arch/cpu_jobs.h"
#include "arch/inline.h"
#include "arch/jump.h"
#include "arch/machine.h"
#include "arch/page_backend.h"
#include "arch/timer.h"
#include "base/spinlock.h"
#include "base/text.h"
#include "testing/property/property.h"

/* Looks before a wait is given up: minutes on a slow emulator. What is waited for takes microseconds. */
#define LOOKS_MAX UINT64_C(1000000000)

#define DEPTH_MAX       40
#define LOCK_ROUNDS_MAX 200

static bool wait_until_equal(_Atomic uint32_t *value, uint32_t wanted)
{
    for (uint64_t look = 0; look < LOOKS_MAX; look++) {
        if (atomic_load_explicit(value, memory_order_acquire) == wanted) {
            return true;
        }
        cpu_relax();
    }
    return false;
}

/* ---- jumps ---- */

/* Fills frames with values that a jump must not bring along, and then jumps. */
static NOINLINE uint64_t dive(jump_buffer_t *buffer, uint64_t depth, uint64_t value)
{
    volatile uint64_t local[4] = {value, value + 1, value + 2, value + 3};

    if (depth == 0) {
        jump_restore(buffer);
    }
    return dive(buffer, depth - 1, local[depth % 4] * 3) + local[0];
}

/* Validates 2.4: a jump from any depth comes back once, with 1, to the values and the stack that the saver had. */
static void a_jump_comes_back_to_what_was_saved(property_run_t *run)
{
    const uint64_t depth = property_draw(run, DEPTH_MAX);
    const uint64_t value = property_bits64(run);
    const uint64_t kept[4] = {value, value ^ 1, value ^ 2, value ^ 3};
    volatile unsigned came_back = 0;
    jump_buffer_t buffer;

    const int result = jump_save(&buffer);
    if (result == 0) {
        PROPERTY_EXPECT_EQUAL(run, came_back, 0);
        came_back = came_back + 1;
        (void)dive(&buffer, depth, ~value);
    }
    PROPERTY_EXPECT_EQUAL(run, result, 1);
    PROPERTY_EXPECT_EQUAL(run, came_back, 1);
    for (unsigned index = 0; index < 4; index++) {
        PROPERTY_EXPECT_EQUAL(run, kept[index], value ^ index);
    }
}

/* ---- the interrupt mask ---- */

/* Validates 2.11: however deep saves are nested, each restore brings back what its save found. */
static void a_restore_brings_back_what_the_save_found(property_run_t *run)
{
    const uint64_t depth = property_range(run, 1, DEPTH_MAX);
    interrupt_state_t states[DEPTH_MAX];

    PROPERTY_EXPECT(run, interrupts_are_enabled());
    for (uint64_t level = 0; level < depth; level++) {
        states[level] = interrupts_save();
        if (interrupts_are_enabled()) {
            interrupts_restore(states[0]);
            PROPERTY_EXPECT(run, !"interrupts are enabled after a save");
        }
    }
    for (uint64_t level = depth; level-- > 0;) {
        interrupts_restore(states[level]);
        const bool enabled = interrupts_are_enabled();
        if (enabled != (level == 0)) {
            interrupts_restore(states[0]);
            PROPERTY_EXPECT(run, !"a restore brought back another state");
        }
    }
}

typedef struct call_record {
    property_run_t *run;
    uint32_t index;          /* the CPU that should take the call */
    _Atomic uint32_t count;  /* calls taken */
    _Atomic uint32_t broken; /* set when one of them was not as promised */
} call_record_t;

static void take_call(void *argument)
{
    call_record_t *const record = argument;
    const cpu_t *const cpu = cpu_current();
    const bool is_right = cpu->index == record->index && cpu->interrupt_depth == 1 && !interrupts_are_enabled() &&
                          allocation_context_current() == cpu->interrupt_context &&
                          cpu->allocation_context == cpu->interrupt_context;

    if (!is_right) {
        atomic_store_explicit(&record->broken, 1, memory_order_relaxed);
    }
    atomic_fetch_add_explicit(&record->count, 1, memory_order_release);
}

/* Validates 1.9, 2.11: a call to oneself waits while interrupts are masked, and is taken soon after they are not. */
static void a_masked_cpu_takes_no_call(property_run_t *run)
{
    call_record_t record = {.run = run, .index = cpu_current()->index};
    const uint64_t pause = property_draw(run, 1000);
    struct allocation_context *const context = allocation_context_current();

    const interrupt_state_t interrupts = interrupts_save();
    const status_t status = cpu_interrupt(record.index, take_call, &record);
    for (uint64_t moment = 0; moment < pause; moment++) {
        cpu_relax();
    }
    const uint32_t taken = atomic_load_explicit(&record.count, memory_order_acquire);
    const status_t second = cpu_interrupt(record.index, take_call, &record);
    interrupts_restore(interrupts);

    PROPERTY_EXPECT_STATUS(run, STATUS_OK, status);
    PROPERTY_EXPECT_STATUS(run, STATUS_BUSY, second);
    PROPERTY_EXPECT_EQUAL(run, taken, 0);
    PROPERTY_EXPECT(run, wait_until_equal(&record.count, 1));
    PROPERTY_EXPECT_EQUAL(run, atomic_load(&record.broken), 0);
    PROPERTY_EXPECT(run, allocation_context_current() == context);
    PROPERTY_EXPECT_EQUAL(run, cpu_current()->interrupt_depth, 0);
}

/* Validates 1.9, 2.11: every call that a CPU accepts is taken there, once, in interrupt context. */
static void every_call_arrives_once(property_run_t *run)
{
    const uint32_t index = (uint32_t)property_draw(run, cpu_count());
    const uint32_t calls = (uint32_t)property_range(run, 1, 20);
    call_record_t record = {.run = run, .index = index};

    for (uint32_t call = 0; call < calls; call++) {
        status_t status = STATUS_BUSY;
        for (uint64_t look = 0; status == STATUS_BUSY && look < LOOKS_MAX; look++) {
            status = cpu_interrupt(index, take_call, &record);
            cpu_relax();
        }
        PROPERTY_EXPECT_STATUS(run, STATUS_OK, status);
    }
    PROPERTY_EXPECT(run, wait_until_equal(&record.count, calls));
    PROPERTY_EXPECT_EQUAL(run, atomic_load(&record.broken), 0);
}

/* ---- CPUs and locks ---- */

/* Validates 1.9, 2.11: running CPUs have dense indexes, structures of their own, and contexts of their own. */
static void every_cpu_is_itself(property_run_t *run)
{
    PROPERTY_EXPECT(run, cpu_count() >= 1 && cpu_count() <= CPU_COUNT_MAX);
    PROPERTY_EXPECT(run, cpu_by_index(cpu_current()->index) == cpu_current());
    for (uint32_t index = 0; index < cpu_count(); index++) {
        const cpu_t *const cpu = cpu_by_index(index);
        PROPERTY_EXPECT_EQUAL(run, cpu->index, index);
        PROPERTY_EXPECT(run, cpu->self == cpu);
        for (uint32_t other = 0; other < index; other++) {
            PROPERTY_EXPECT(run, cpu_by_index(other) != cpu);
            PROPERTY_EXPECT(run, cpu_by_index(other)->interrupt_context != cpu->interrupt_context);
            PROPERTY_EXPECT(run, cpu_by_index(other)->thread_context != cpu->thread_context);
        }
    }
}

typedef struct lock_work {
    spinlock_t lock;
    uint64_t rounds;
    uint64_t guarded_count; /* plain: only the lock makes the sum come out right */
    uint32_t guarded_owner; /* index + 1 while somebody is inside */
    _Atomic uint32_t broken;
} lock_work_t;

static void lock_rounds(void *argument, uint32_t index)
{
    lock_work_t *const work = argument;

    for (uint64_t round = 0; round < work->rounds; round++) {
        const spinlock_hold_t hold = spinlock_lock(&work->lock);
        if (work->guarded_owner != 0 || interrupts_are_enabled() || !spinlock_is_held(&work->lock)) {
            atomic_store_explicit(&work->broken, 1, memory_order_relaxed);
        }
        work->guarded_owner = index + 1;
        work->guarded_count++;
        if (work->guarded_owner != index + 1) {
            atomic_store_explicit(&work->broken, 1, memory_order_relaxed);
        }
        work->guarded_owner = 0;
        spinlock_unlock(&work->lock, hold);
    }
}

/* Validates 1.9, 2.11: one CPU at a time is inside a lock, and no count is lost. */
static void a_lock_lets_one_in(property_run_t *run)
{
    lock_work_t work = {.rounds = property_range(run, 1, LOCK_ROUNDS_MAX)};

    spinlock_init(&work.lock, LOCK_RANK_TEST);
    PROPERTY_EXPECT(run, !spinlock_is_held(&work.lock));
    cpu_jobs_run_on_all(cpu_count(), lock_rounds, &work);
    PROPERTY_EXPECT_EQUAL(run, work.guarded_count, work.rounds * cpu_count());
    PROPERTY_EXPECT_EQUAL(run, atomic_load(&work.broken), 0);
    PROPERTY_EXPECT(run, !spinlock_is_held(&work.lock));
    PROPERTY_EXPECT(run, interrupts_are_enabled());
}

/* ---- time ---- */

typedef struct clock_work {
    uint64_t rounds;
    _Atomic uint32_t went_back;
} clock_work_t;

static void watch_clocks(void *argument, uint32_t index)
{
    clock_work_t *const work = argument;
    uint64_t time = timer_nanoseconds();
    uint64_t cycles = cycle_counter();

    (void)index;
    for (uint64_t round = 0; round < work->rounds; round++) {
        const uint64_t time_now = timer_nanoseconds();
        const uint64_t cycles_now = cycle_counter();
        if (time_now < time || cycles_now < cycles) {
            atomic_store_explicit(&work->went_back, 1, memory_order_relaxed);
        }
        time = time_now;
        cycles = cycles_now;
    }
}

/* Validates 2.4: on no CPU does the clock or the cycle counter go back. */
static void no_clock_goes_back(property_run_t *run)
{
    clock_work_t work = {.rounds = property_range(run, 1, 500)};

    cpu_jobs_run_on_all(cpu_count(), watch_clocks, &work);
    PROPERTY_EXPECT_EQUAL(run, atomic_load(&work.went_back), 0);
}

/* ---- memory ---- */

typedef struct page_run {
    char *pages;
    size_t count;
} page_run_t;

static void page_run_give_back(void *argument)
{
    const page_run_t *const taken = argument;

    pages_free(taken->pages, taken->count);
}

/* Pages that go back when the property is over. */
static char *page_run_take(property_run_t *run, size_t count)
{
    page_run_t *const taken = property_alloc(run, sizeof(*taken));

    *taken = (page_run_t){pages_alloc(count), count};
    PROPERTY_EXPECT(run, taken->pages != NULL);
    property_defer(run, page_run_give_back, taken);
    return taken->pages;
}

static void *no_page(void *context)
{
    (void)context;
    return NULL;
}

/* Validates 2.4: the direct map and its inverse lead to the same byte, below the machine's limit. */
static void the_direct_map_goes_both_ways(property_run_t *run)
{
    const size_t count = (size_t)property_range(run, 1, 8);
    const char *const pages = page_run_take(run, count);
    const char *const pointer = pages + property_draw(run, count * PAGE_SIZE);
    const physical_address_t physical = pointer_to_physical(pointer);

    PROPERTY_EXPECT(run, direct_map_contains(pointer));
    PROPERTY_EXPECT(run, physical_to_pointer(physical) == pointer);
    PROPERTY_EXPECT(run, physical.value < machine_physical_limit());
    PROPERTY_EXPECT_EQUAL(run, physical.value & PAGE_OFFSET_MASK, (uintptr_t)pointer & PAGE_OFFSET_MASK);
    PROPERTY_EXPECT_EQUAL(run, physical.value - pointer_to_physical(pages).value, pointer - pages);
}

/*
 * Validates 1.10, 2.4: each page has one word, the next page's is the next one, and the way back from a word leads
 * to its page.
 */
static void every_page_has_its_own_word(property_run_t *run)
{
    const size_t count = (size_t)property_range(run, 1, 64);
    const char *const pages = page_run_take(run, count);
    const uint64_t *const first = page_word(pages);

    PROPERTY_EXPECT_STATUS(run, STATUS_OK, page_words_claim(pages, count, 0));
    for (size_t index = 0; index < count; index++) {
        const char *const page = pages + index * PAGE_SIZE;
        const uint64_t *const word = page_word(page + property_draw(run, PAGE_SIZE));
        PROPERTY_EXPECT(run, word == first + index);
        PROPERTY_EXPECT(run, machine_page_words_contain((uintptr_t)word));
        PROPERTY_EXPECT(run, machine_page_of_word((uintptr_t)word) == page);
        PROPERTY_EXPECT(run, machine_page_words_are_backed(word));
        PROPERTY_EXPECT_EQUAL(run, *word, 0);
    }
}

/* Validates 1.10, 3.10: words that are backed stay as they are when they are backed again, though no page is left. */
static void backing_words_twice_changes_nothing(property_run_t *run)
{
    const char *const page = page_run_take(run, 1);
    const uint64_t value = property_bits64(run);

    PROPERTY_EXPECT_STATUS(run, STATUS_OK, page_words_claim(page, 1, 0));
    uint64_t *const word = page_word(page);
    *word = value;
    const status_t status = machine_back_page_words(word, no_page, NULL);
    const uint64_t kept = *word;
    *word = 0;
    PROPERTY_EXPECT_STATUS(run, STATUS_OK, status);
    PROPERTY_EXPECT_EQUAL(run, kept, value);
}

/* Validates 1.15, 5.8: pointers that lie in no memory of the backend have no page word. */
static void a_foreign_pointer_has_no_word(property_run_t *run)
{
    static char in_the_image;
    char on_the_stack;
    const uintptr_t poison = (uintptr_t)property_draw(run, 256) * UINT64_C(0x0101010101010101);
    const uintptr_t low = (uintptr_t)property_draw(run, MIB(1));

    PROPERTY_EXPECT(run, page_word(&in_the_image) == NULL && !direct_map_contains(&in_the_image));
    PROPERTY_EXPECT(run, page_word(&on_the_stack) == NULL && !direct_map_contains(&on_the_stack));
    PROPERTY_EXPECT(run, page_word((const void *)poison) == NULL);
    PROPERTY_EXPECT(run, page_word((const void *)low) == NULL);
}

/* Validates 2.4: zeroing a page makes all of it zero and touches nothing beside it. */
static void a_page_is_zeroed_to_its_edges(property_run_t *run)
{
    char *const pages = page_run_take(run, 3);
    const char fill = (char)property_range(run, 1, 255);

    for (size_t index = 0; index < 3 * PAGE_SIZE; index++) {
        pages[index] = fill;
    }
    machine_zero_page(pages + PAGE_SIZE);
    for (size_t index = 0; index < 3 * PAGE_SIZE; index++) {
        PROPERTY_EXPECT_EQUAL(run, pages[index], index / PAGE_SIZE == 1 ? 0 : fill);
    }
}

/* ---- protection ---- */

/* Validates 2.4, 3.3: whatever the CPU offers to keep the kernel and its users apart is switched on. */
static void what_protects_is_switched_on(property_run_t *run)
{
    size_t count;
    const cpu_feature_t *const features = cpu_features(&count);

    for (size_t index = 0; index < count; index++) {
        property_note(run, "%s", features[index].name);
        PROPERTY_EXPECT(run, features[index].is_on == features[index].is_offered || features[index].is_by_choice);
    }
}

PROPERTY_SUITE(arch_contract, PROPERTY(a_jump_comes_back_to_what_was_saved, "2.4"),
               PROPERTY(a_restore_brings_back_what_the_save_found, "2.11"),
               PROPERTY(a_masked_cpu_takes_no_call, "1.9 2.11"), PROPERTY(every_call_arrives_once, "1.9 2.11"),
               PROPERTY(every_cpu_is_itself, "1.9 2.11"), PROPERTY(a_lock_lets_one_in, "1.9 2.11"),
               PROPERTY(no_clock_goes_back, "2.4"), PROPERTY(the_direct_map_goes_both_ways, "2.4"),
               PROPERTY(every_page_has_its_own_word, "1.10 2.4"),
               PROPERTY(backing_words_twice_changes_nothing, "1.10 3.10"),
               PROPERTY(a_foreign_pointer_has_no_word, "1.15 5.8"), PROPERTY(a_page_is_zeroed_to_its_edges, "2.4"),
               PROPERTY(what_protects_is_switched_on, "2.4 3.3"));
