/*
 * What kfs_tree.c offers kfs_file.c: nodes found and held.
 */
#ifndef FS_KFS_INTERNAL_H
#define FS_KFS_INTERNAL_H

#include "fs/kfs.h"

/* Finds the node at `path` and adds a reference, which kfs_put() takes back. Fails as kfs_stat() does. */
MUST_USE status_t kfs_get(kfs_t *kfs, const char *path, kfs_node_t **node);
void kfs_put(kfs_t *kfs, kfs_node_t *node);

bool kfs_node_is_directory(const kfs_node_t *node);

/* Describes a node. The caller holds a reference or the lock. */
void kfs_describe(const kfs_node_t *node, kfs_entry_t *entry);

/* Copies up to `capacity` entries of a directory in one go, and returns how many there are in all. */
size_t kfs_list(kfs_t *kfs, const kfs_node_t *directory, kfs_entry_t *entries, size_t capacity);

#endif
