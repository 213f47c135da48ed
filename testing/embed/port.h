/*
 * The foreign kernel's small operations, as far as the slab core needs them: one CPU, no interrupts, an array as
 * memory.
 *
 * Two of the five functions of arch/page_backend.h are here: page_word() and allocation_context_current().
 */
#ifndef TESTING_EMBED_PORT_H
#define TESTING_EMBED_PORT_H

typedef int interrupt_state_t;

#define FOREIGN_PAGES 1024

extern unsigned char foreign_memory[FOREIGN_PAGES * 4096];
extern uint64_t foreign_page_words[FOREIGN_PAGES];
extern cpu_t foreign_cpu;

static inline cpu_t *cpu_current(void)
{
    return &foreign_cpu;
}

static inline struct allocation_context *allocation_context_current(void)
{
    return foreign_cpu.allocation_context;
}

static inline uint64_t *page_word(const void *pointer)
{
    const uintptr_t offset = (uintptr_t)pointer - (uintptr_t)foreign_memory;
    return offset < sizeof foreign_memory ? &foreign_page_words[offset / 4096] : 0;
}

static inline void cpu_relax(void)
{
}

static inline interrupt_state_t interrupts_save(void)
{
    return 0;
}

static inline void interrupts_restore(interrupt_state_t state)
{
    (void)state;
}

#endif
