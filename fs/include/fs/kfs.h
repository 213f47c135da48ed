/*
 * KFS, the kernel's filesystem: a tree of small text files made on demand, with `//` as its root.
 *
 * Opening a file takes the snapshot: its text is made once, then, and every read at any offset sees that same text.
 * Opening a directory takes its list of entries in the same way. Any CPU, thread context only, since opening
 * allocates; nodes' own functions run without any lock held.
 *
 * Paths: "//" is the root, "//kern/mem/map" a file. Slashes may be doubled, "." is skipped, ".." goes up and stays at
 * the root. A file has nothing below it, so neither "//kern/mem/map/" nor "//kern/mem/map/.." leads anywhere.
 */
#ifndef FS_KFS_H
#define FS_KFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/list.h"
#include "base/spinlock.h"
#include "base/status.h"
#include "base/text.h"

#define KFS_NAME_MAX  31
#define KFS_PATH_MAX  1023
#define KFS_WRITE_MAX 4095

typedef struct kfs_node kfs_node_t;
typedef struct kfs kfs_t;

/*
 * Makes the file's text. May be called several times for one open, when the buffer was too small; may not open files.
 */
typedef void (*kfs_read_function_t)(const kfs_node_t *node, text_writer_t *writer);

/* Takes a new value for a tunable: `text` is terminated and holds no other zero byte. A failure has changed nothing. */
typedef status_t (*kfs_write_function_t)(kfs_node_t *node, const char *text);

/*
 * A file or directory. Its owner fills in the first part and keeps the structure and the name where they are until
 * kfs_remove() or kfs_destroy(); the rest is the tree's.
 */
struct kfs_node {
    const char *name;           /* 1 to KFS_NAME_MAX printable bytes without blanks and slashes; not "." or ".." */
    kfs_read_function_t read;   /* NULL: the file can't be read; both NULL: a directory */
    kfs_write_function_t write; /* NULL: the file can't be written */
    void *context;              /* for the two functions */

    kfs_node_t *parent;
    list_t children; /* by name */
    list_link_t sibling;
    uint32_t references;               /* open files, and look-ups under way */
    void (*release)(kfs_node_t *node); /* detached: what the last of them calls */
    bool is_owned;                     /* made by kfs_make_directory(): kmalloc'd, freed with the tree */
    char owned_name[KFS_NAME_MAX + 1];
};

/* A tree: its root directory, and the lock over all links, names and reference counts. */
struct kfs {
    spinlock_t lock;
    kfs_node_t root;
};

/* The kernel's own tree, which the shell and processes see. */
extern kfs_t kfs_kernel;

/* Starts a tree that has a root and nothing else. Needs no memory. */
void kfs_init(kfs_t *kfs);

/* Takes every node out of the tree and frees what the tree made. STATUS_BUSY, nothing changed, while a file is open. */
MUST_USE status_t kfs_destroy(kfs_t *kfs);

/*
 * Puts a node into the directory at `directory`. STATUS_NOT_FOUND when that is no directory, STATUS_EXISTS when it
 * has an entry of that name, STATUS_INVALID when the name breaks the rule above.
 */
MUST_USE status_t kfs_add(kfs_t *kfs, const char *directory, kfs_node_t *node);

/* Takes a node out. STATUS_BUSY while it is open or has entries. */
MUST_USE status_t kfs_remove(kfs_t *kfs, kfs_node_t *node);

/*
 * Takes a node out at once, also while it is open: from then on no path leads to it, and who has it open reads on. The
 * node stays where it is until release(node), which runs here or when the last such file is closed, with no lock held.
 * STATUS_BUSY, nothing changed, while it has entries.
 */
MUST_USE status_t kfs_detach(kfs_t *kfs, kfs_node_t *node, void (*release)(kfs_node_t *node));

/*
 * Makes the directory at `path`, and those on the way to it. One that is there already is fine; STATUS_EXISTS when a
 * file is in the way, STATUS_NO_MEMORY (those on the way may stay).
 */
MUST_USE status_t kfs_make_directory(kfs_t *kfs, const char *path);

/* A directory entry, and what kfs_stat() tells. */
typedef struct kfs_entry {
    char name[KFS_NAME_MAX + 1]; /* "//" for the root */
    bool is_directory;
    bool is_readable;
    bool is_writable;
} kfs_entry_t;

typedef struct kfs_stat {
    kfs_entry_t entry;
    uint64_t size_bytes; /* of a file's text were it opened now; of a directory, how many entries it has */
} kfs_stat_t;

/* STATUS_INVALID when `path` does not start with "//", STATUS_OUT_OF_RANGE when it is too long, STATUS_NOT_FOUND. */
MUST_USE status_t kfs_stat(kfs_t *kfs, const char *path, kfs_stat_t *stat);

typedef struct kfs_file kfs_file_t;

/*
 * Opens a file or directory and takes the snapshot. Fails as kfs_stat() does, and with STATUS_NO_MEMORY, or
 * STATUS_BUSY when the contents kept growing while they were copied. The caller owns *file until kfs_close().
 */
MUST_USE status_t kfs_open(kfs_t *kfs, const char *path, kfs_file_t **file);

/*
 * Copies up to `capacity` bytes of the snapshot from `offset` on and stores in *count how many; 0 at the end and
 * anywhere beyond. STATUS_INVALID for a directory, STATUS_DENIED for a file that can't be read.
 */
MUST_USE status_t kfs_read(const kfs_file_t *file, uint64_t offset, char *buffer, size_t capacity, size_t *count);

/*
 * Copies entry number `index` of a directory's snapshot. STATUS_NOT_FOUND past the last one, STATUS_INVALID for a
 * file.
 */
MUST_USE status_t kfs_readdir(const kfs_file_t *file, uint64_t index, kfs_entry_t *entry);

/*
 * Gives a tunable a new value. The open snapshot stays as it is. STATUS_DENIED for a file that can't be written,
 * STATUS_OUT_OF_RANGE beyond KFS_WRITE_MAX bytes, STATUS_INVALID for a directory or a zero byte, or what the node
 * says.
 */
MUST_USE status_t kfs_write(kfs_file_t *file, const char *bytes, size_t length);

/* How many bytes the snapshot takes. */
size_t kfs_bytes_held(const kfs_file_t *file);

/* More than one owner has the file from now on: for allocation tracking (mm/slab_debug.h) it is nobody's. */
void kfs_disown(const kfs_file_t *file);

/* Gives the snapshot back. NULL is allowed. */
void kfs_close(kfs_file_t *file);

#endif
