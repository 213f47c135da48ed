/*
 * What a mapping allows, in the words that all page tables share.
 */
#ifndef ARCH_PAGE_ACCESS_H
#define ARCH_PAGE_ACCESS_H

/* A set of the rights below; a mapping that is present can always be read by the kernel. */
typedef unsigned page_access_t;
#define PAGE_ACCESS_READ    0u
#define PAGE_ACCESS_WRITE   1u
#define PAGE_ACCESS_EXECUTE 2u
#define PAGE_ACCESS_USER    4u
#define PAGE_ACCESS_DEVICE  8u  /* registers, not memory: uncached, in order */
#define PAGE_ACCESS_HIDDEN  16u /* in a user's table: kept there, and of no use to user code until that is taken back */

#endif
