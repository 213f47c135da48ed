/*
 * The four states of a page.
 */
#ifndef MM_PAGE_STATE_H
#define MM_PAGE_STATE_H

/* The two bits of a page. */
typedef enum page_state {
    PAGE_STATE_FREE = 0,
    PAGE_STATE_ALLOCATED = 1,
    PAGE_STATE_INVALID = 2,  /* bad memory, or no memory at all */
    PAGE_STATE_RESERVED = 3, /* not ours to hand out: firmware, kernel image, boot data, the allocator's own metadata */
} page_state_t;

#endif
