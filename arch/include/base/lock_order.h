/*
 * The lock order of the whole kernel, in one place.
 *
 * A CPU takes locks in ascending rank only; two locks of one rank are never held together. Debug builds check every
 * acquisition (base/spinlock.h). A lock is a leaf when nothing is taken under it.
 */
#ifndef BASE_LOCK_ORDER_H
#define BASE_LOCK_ORDER_H

typedef enum lock_rank {
    LOCK_RANK_KFS = 0,        /* the tree of nodes */
    LOCK_RANK_PROCESSES,      /* the table of processes and the queue of those that can run */
    LOCK_RANK_ADDRESS_SPACES, /* the list of address spaces, for statistics */
    LOCK_RANK_ADDRESS_SPACE,  /* one address space: its areas and its page table */
    LOCK_RANK_MEMORY_OBJECT,  /* one memory object's pages */
    LOCK_RANK_KERNEL_WINDOW,  /* the kernel's own mappings */
    LOCK_RANK_CACHES,         /* the list of slab caches */
    LOCK_RANK_CACHE,          /* one cache's available, full and empty lists */
    LOCK_RANK_DESCRIPTORS,    /* slab descriptor pages */
    LOCK_RANK_TRACKING,       /* allocation tracking */
    LOCK_RANK_CONTEXTS,       /* the list of allocation contexts */
    LOCK_RANK_PAGE_TREE,      /* the page tree, but for what CPUs have checked out or borrowed */
    LOCK_RANK_PAGE_CHUNK,     /* one chunk of it that is lent */
    LOCK_RANK_PAGE_WORDS,     /* backing of the page words */
    LOCK_RANK_INJECT,         /* failure injection: a leaf */
    LOCK_RANK_TEST,           /* test fixtures */
    LOCK_RANK_LOG,            /* the log ring */
    LOCK_RANK_CONSOLE,        /* the console device: a leaf */
    LOCK_RANK_COUNT
} lock_rank_t;

_Static_assert(LOCK_RANK_COUNT <= 32, "the held ranks of a CPU fit in 32 bits");

#endif
