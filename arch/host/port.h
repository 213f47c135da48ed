/*
 * The host port's small operations (arch/inline.h says what each promises): threads are CPUs, a mapping is memory.
 *
 * Physical address 0 is the first byte of the arena, so that the direct map is one addition. A signal plays the
 * interrupt; masking is a flag that the signal handler looks at (arch/host/interrupts.c).
 */
#ifndef ARCH_HOST_PORT_H
#define ARCH_HOST_PORT_H

#include <stdatomic.h>

/* A frame's record, from its frame pointer: RISC-V's, since that is what user programs are here (testing/fakes). */
#define PORT_FRAME_RECORD_OFFSET (-16)

#ifdef __cplusplus
extern "C" {
#endif

typedef uint32_t interrupt_state_t;

/*
 * The calling thread as a CPU. All zero, and so without allocation contexts, until the thread is attached
 * (arch/host/host.h).
 */
extern _Thread_local cpu_t host_cpu;

/* Where the arena lies, and the words for its pages: set once by host_start(), before any thread. */
extern char *host_arena_base;
extern uint64_t host_arena_bytes;
extern uint64_t *host_page_words;

/* Set while "interrupts" are masked on this thread; and whether one came meanwhile. */
extern _Thread_local volatile uint32_t host_interrupts_masked;
extern _Thread_local volatile uint32_t host_interrupt_pending;
void host_interrupt_deliver(void);

static inline cpu_t *cpu_current(void)
{
    return &host_cpu;
}

static inline struct allocation_context *allocation_context_current(void)
{
    return host_cpu.allocation_context;
}

static inline void cpu_relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    __asm__ volatile("" ::: "memory");
#endif
}

static inline interrupt_state_t interrupts_save(void)
{
    const interrupt_state_t before = host_interrupts_masked;
    host_interrupts_masked = 1;
    atomic_signal_fence(memory_order_seq_cst);
    return before;
}

static inline void interrupts_restore(interrupt_state_t before)
{
    atomic_signal_fence(memory_order_seq_cst);
    host_interrupts_masked = before;
    atomic_signal_fence(memory_order_seq_cst);
    if (UNLIKELY(before == 0 && host_interrupt_pending != 0)) {
        host_interrupt_deliver();
    }
}

static inline void interrupts_enable(void)
{
    interrupts_restore(0);
}

static inline bool interrupts_are_enabled(void)
{
    return host_interrupts_masked == 0;
}

static inline uint64_t cycle_counter(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return __builtin_readcyclecounter();
#endif
}

static inline bool direct_map_contains(const void *pointer)
{
    return (uint64_t)((uintptr_t)pointer - (uintptr_t)host_arena_base) < host_arena_bytes;
}

static inline void *physical_to_pointer(physical_address_t address)
{
    return host_arena_base + address.value;
}

static inline physical_address_t pointer_to_physical(const void *pointer)
{
    return physical_address((uint64_t)((const char *)pointer - host_arena_base));
}

static inline uint64_t *page_word(const void *pointer)
{
    const uint64_t offset = (uint64_t)((uintptr_t)pointer - (uintptr_t)host_arena_base);
    return UNLIKELY(offset >= host_arena_bytes) ? NULL : &host_page_words[offset >> PAGE_SHIFT];
}

#ifdef __cplusplus
}
#endif

#endif
