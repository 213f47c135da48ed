/*
 * Values of the registers that say how memory is translated and what the kernel runs with. For C and assembly.
 * Field names and numbers are those of the Arm ARM, D17.2.
 */
#ifndef AARCH64_CONTROL_H
#define AARCH64_CONTROL_H

/* Memory types, by the index in a page-table entry. */
#define MEMORY_NORMAL   0 /* write-back, read- and write-allocate */
#define MEMORY_DEVICE   1 /* nGnRE: no gathering, no reordering, early acknowledgement */
#define MEMORY_UNTAGGED 2 /* as MEMORY_NORMAL, but never with memory tags: the image */
#define MAIR_VALUE      0xff04ff
#define MAIR_VALUE_TAGS 0xff04f0 /* with FEAT_MTE2: MEMORY_NORMAL has tags, which cost nothing until they are on */

/*
 * TCR_EL1: 48-bit addresses, 4 KiB granule, and table walks that go through the caches, inner shareable, in both halves.
 * entry.S adds the size of physical addresses.
 */
#define TCR_SIZE_LOW      63 /* the mask of what says how long addresses of the lower half are: 64 less that */
#define TCR_HALF_LOW      ((16 << 0) | (1 << 8) | (1 << 10) | (3 << 12))
#define TCR_HALF_HIGH     ((16 << 16) | (1 << 24) | (1 << 26) | (3 << 28) | (2 << 30))
#define TCR_VALUE         (TCR_HALF_LOW | TCR_HALF_HIGH)
#define TCR_IPS_SHIFT     32
#define TCR_IPS_48        5
#define USER_ADDRESS_BITS 38 /* once boot is over */
#define TCR_E0PD1 \
    (UINT64_C(1) << 56) /* user mode is told nothing of the kernel's half, not even how long a look takes */

/* SCTLR_EL1. The reserved bits that read as one on the first CPUs, of which SPAN is one. */
#define SCTLR_RESERVED    0x30d00800
#define SCTLR_MMU         (1 << 0)
#define SCTLR_CACHE       (1 << 2)
#define SCTLR_SP_ALIGNED  (1 << 3)
#define SCTLR_INSTRUCTION (1 << 12)
#define SCTLR_SPAN        (1 << 23) /* clear: every exception to EL1 sets PSTATE.PAN */

/* What user mode may do: ask how long cache lines are, write back code, and wait for events. */
#define SCTLR_USER ((1 << 15) | (1 << 26) | (1 << 18))

#define SCTLR_OFF     SCTLR_RESERVED
#define SCTLR_OFF_EL2 0x30c50830 /* likewise */
#define SCTLR_ON      (SCTLR_RESERVED | SCTLR_MMU | SCTLR_CACHE | SCTLR_SP_ALIGNED | SCTLR_INSTRUCTION)

/* Page-table entries, as far as entry.S makes them; page_table.c has the rest. */
#define ENTRY_VALID        (1 << 0)
#define ENTRY_TABLE        (1 << 1) /* at level 0: a page */
#define ENTRY_SHARED_INNER (3 << 8)
#define ENTRY_ACCESSED     (1 << 10)

#endif
