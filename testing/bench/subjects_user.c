/*
 * What ports do for processes: a system call that does nothing, from user mode to user_run()'s caller and back; and a
 * page, or 512 in small pages, that is mapped in a table in use, unmapped, and forgotten.
 */
#include "arch/machine.h"
#include "arch/page_backend.h"
#include "arch/user.h"
#include "arch/user_page_table.h"
#include "testing/bench/subjects.h"
#include "testing/user_code/user_code.h"

#define CODE     GIB(1)
#define PLACE    GIB(2)
#define PHYSICAL (GIB(1) + PAGE_SIZE) /* never touched; beside what a large page would need */
#define LEAVES   64u

static void *take_page(void *context)
{
    (void)context;
    return pages_alloc(1);
}

static void release_page(void *page, void *context)
{
    (void)context;
    pages_free(page, 1);
}

/* Runs `measure` with a table in use that has the programs at CODE. */
static uint64_t with_table(uint64_t (*measure)(user_page_table_t *table, uint32_t rounds), uint32_t rounds)
{
    user_page_table_t table;
    uint64_t ticks = BENCH_FAILED;

    void *const code = pages_alloc(1);
    if (code == NULL) {
        return BENCH_FAILED;
    }
    __builtin_memcpy(code, user_code_start, (size_t)(user_code_end - user_code_start));
    if (user_page_table_create(&table, take_page, NULL) == STATUS_OK) {
        if (user_page_table_map(&table, CODE, pointer_to_physical(code), PAGE_SIZE, PAGE_ACCESS_EXECUTE, take_page,
                                NULL) == STATUS_OK) {
            user_page_table_activate(&table);
            ticks = measure(&table, rounds);
            user_page_table_activate(NULL);
        }
        user_page_table_destroy(&table, release_page, NULL);
    }
    pages_free(code, 1);
    return ticks;
}

static uint64_t measure_calls(user_page_table_t *table, uint32_t rounds)
{
    user_state_t state;
    trap_report_t report;

    (void)table;
    user_state_init(&state, user_code_at(CODE, user_code_calls), 0, 0);
    const uint64_t start = cycle_counter();
    for (uint32_t round = 0; round < rounds; round++) {
        if (user_run(&state, &report) == USER_EVENT_FAULT) {
            return BENCH_FAILED;
        }
        user_call_set_result(&state, round);
    }
    return cycle_counter() - start;
}

static uint64_t measure_map(user_page_table_t *table, uint32_t rounds, uint64_t size)
{
    user_leaf_t leaves[LEAVES];

    const uint64_t start = cycle_counter();
    for (uint32_t round = 0; round < rounds; round++) {
        if (user_page_table_map(table, PLACE, physical_address(PHYSICAL), size, PAGE_ACCESS_WRITE, take_page, NULL) !=
            STATUS_OK) {
            return BENCH_FAILED;
        }
        uintptr_t address = PLACE;
        while (address < PLACE + size) {
            (void)user_page_table_unmap(table, &address, PLACE + size, leaves, LEAVES);
        }
        user_page_table_flush(table, PLACE, size);
    }
    return cycle_counter() - start;
}

static uint64_t measure_map_1(user_page_table_t *table, uint32_t rounds)
{
    return measure_map(table, rounds, PAGE_SIZE);
}

static uint64_t measure_map_512(user_page_table_t *table, uint32_t rounds)
{
    return measure_map(table, rounds, 512 * PAGE_SIZE);
}

uint64_t bench_user_call(uint32_t rounds)
{
    return with_table(measure_calls, rounds);
}

uint64_t bench_user_map_1(uint32_t rounds)
{
    return with_table(measure_map_1, rounds);
}

uint64_t bench_user_map_512(uint32_t rounds)
{
    return with_table(measure_map_512, rounds);
}
