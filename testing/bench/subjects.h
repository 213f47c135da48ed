/*
 * The operations that bench.c measures: one row each in a table that ends with a NULL name.
 */
#ifndef TESTING_BENCH_SUBJECTS_H
#define TESTING_BENCH_SUBJECTS_H

#include <stdint.h>

#define BENCH_FAILED UINT64_MAX

typedef struct bench_subject {
    const char *name;
    uint64_t (*run)(uint32_t rounds); /* ticks that so many rounds took, or BENCH_FAILED */
    uint32_t operations_per_round;
} bench_subject_t;

extern const bench_subject_t bench_subjects[];

/* A batch: so many allocations, and then so many frees. One round in so many is made, and its ticks are scaled up. */
#define BENCH_BATCH       1000u
#define BENCH_BATCH_SHARE 64u

/* Those of subjects_kmalloc.c. */
uint64_t bench_kmalloc_lifo(uint32_t rounds);
uint64_t bench_kmalloc_random_64(uint32_t rounds);
uint64_t bench_kmalloc_random_1024(uint32_t rounds);
uint64_t bench_kmalloc_churn(uint32_t rounds);
uint64_t bench_kmalloc_handed(uint32_t rounds);
uint64_t bench_krealloc_step(uint32_t rounds);

/* Those of subjects_bulk.c. */
uint64_t bench_kmalloc_bulk_20(uint32_t rounds);
uint64_t bench_kmalloc_bulk_1000(uint32_t rounds);
uint64_t bench_krealloc_in_place(uint32_t rounds);
uint64_t bench_kcalloc_64(uint32_t rounds);
uint64_t bench_kcalloc_4096(uint32_t rounds);

/* A process from its start to its end (subjects_process.c). */
uint64_t bench_process_life(uint32_t rounds);

/* Of user mode (subjects_user.c): a system call and the way back; mapping, unmapping and flushing pages. */
uint64_t bench_user_call(uint32_t rounds);
uint64_t bench_user_map_1(uint32_t rounds);
uint64_t bench_user_map_512(uint32_t rounds);

/* Those of subjects_vm.c. The ones that deal with pages do so many in a round. */
#define BENCH_VM_PAGES 512u
uint64_t bench_vm_space(uint32_t rounds);
uint64_t bench_vm_map_1(uint32_t rounds);
uint64_t bench_vm_map_512(uint32_t rounds);
uint64_t bench_vm_map_100000(uint32_t rounds);
uint64_t bench_vm_fault_zero(uint32_t rounds);
uint64_t bench_vm_fault_copy(uint32_t rounds);
uint64_t bench_vm_unmap_page(uint32_t rounds);
uint64_t bench_vm_clone_page(uint32_t rounds);

#endif
