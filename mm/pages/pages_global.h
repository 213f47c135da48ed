/*
 * The kernel's own tree, for the files of this folder that make it an allocator.
 */
#ifndef MM_PAGES_PAGES_GLOBAL_H
#define MM_PAGES_PAGES_GLOBAL_H

#include "mm/pages/page_tree.h"

extern page_tree_t pages_tree;

#endif
