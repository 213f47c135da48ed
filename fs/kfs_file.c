/*
 * Open files: the snapshot, and reading from it.
 *
 * A file's text is made into a buffer; when it did not fit, the writer knows how long it would have been, and it is made again,
 * as a whole, into a larger one. So what a reader sees was always made by one call. The first guess fits most files.
 */
#include "kfs_internal.h"

#include "mm/kmalloc.h"
#include "mm/slab_debug.h"

#define FIRST_CAPACITY 512u
#define TRIES_MAX      8u

struct kfs_file {
    kfs_t *kfs;
    kfs_node_t *node; /* with a reference */
    bool is_directory;
    char *text; /* a file that can be read */
    size_t text_length;
    kfs_entry_t *entries; /* a directory; NULL when it is empty */
    size_t entry_count;
};

/* Makes the text of file->node. */
static status_t take_text(kfs_file_t *file)
{
    size_t capacity = FIRST_CAPACITY;
    for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
        char *const buffer = kmalloc(capacity);
        if (buffer == NULL) {
            return STATUS_NO_MEMORY;
        }
        text_writer_t writer = text_writer(buffer, capacity);
        file->node->read(file->node, &writer);
        if (!text_is_truncated(&writer)) {
            file->text = buffer;
            file->text_length = writer.length;
            return STATUS_OK;
        }
        kfree(buffer);
        if (writer.length > SIZE_MAX / 2) {
            return STATUS_NO_MEMORY;
        }
        capacity = writer.length + writer.length / 8 + 1; /* room for a line or two that come meanwhile */
    }
    return STATUS_BUSY;
}

/* Copies the entries of file->node. */
static status_t take_entries(kfs_file_t *file)
{
    size_t capacity = kfs_list(file->kfs, file->node, NULL, 0);
    for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
        kfs_entry_t *const entries = capacity != 0 ? kcalloc(capacity, sizeof(*entries)) : NULL;
        if (entries == NULL && capacity != 0) {
            return STATUS_NO_MEMORY;
        }
        const size_t count = kfs_list(file->kfs, file->node, entries, capacity);
        if (count <= capacity) {
            file->entries = entries;
            file->entry_count = count;
            return STATUS_OK;
        }
        kfree(entries);
        capacity = count;
    }
    return STATUS_BUSY;
}

status_t kfs_open(kfs_t *kfs, const char *path, kfs_file_t **opened)
{
    kfs_node_t *node;
    status_t status = kfs_get(kfs, path, &node);
    if (status != STATUS_OK) {
        return status;
    }
    kfs_file_t *const file = kcalloc(1, sizeof(*file));
    if (file == NULL) {
        status = STATUS_NO_MEMORY;
        goto undo_get;
    }
    file->kfs = kfs;
    file->node = node;
    file->is_directory = kfs_node_is_directory(node);
    if (file->is_directory) {
        status = take_entries(file);
    } else if (node->read != NULL) {
        status = take_text(file);
    }
    if (status != STATUS_OK) {
        goto undo_file;
    }
    *opened = file;
    return STATUS_OK;

undo_file:
    kfree(file);
undo_get:
    kfs_put(kfs, node);
    return status;
}

status_t kfs_read(const kfs_file_t *file, uint64_t offset, char *buffer, size_t capacity, size_t *count)
{
    *count = 0;
    if (file->is_directory) {
        return STATUS_INVALID;
    }
    if (file->text == NULL) {
        return STATUS_DENIED;
    }
    if (offset >= file->text_length) {
        return STATUS_OK;
    }
    const size_t rest = file->text_length - (size_t)offset;
    *count = capacity < rest ? capacity : rest;
    __builtin_memcpy(buffer, file->text + offset, *count);
    return STATUS_OK;
}

status_t kfs_readdir(const kfs_file_t *file, uint64_t index, kfs_entry_t *entry)
{
    if (!file->is_directory) {
        return STATUS_INVALID;
    }
    if (index >= file->entry_count) {
        return STATUS_NOT_FOUND;
    }
    *entry = file->entries[index];
    return STATUS_OK;
}

status_t kfs_write(kfs_file_t *file, const char *bytes, size_t length)
{
    if (file->is_directory) {
        return STATUS_INVALID;
    }
    if (file->node->write == NULL) {
        return STATUS_DENIED;
    }
    if (length > KFS_WRITE_MAX) {
        return STATUS_OUT_OF_RANGE;
    }
    char *const text = kmalloc(length + 1);
    if (text == NULL) {
        return STATUS_NO_MEMORY;
    }
    status_t status = STATUS_OK;
    for (size_t index = 0; index < length; index++) {
        text[index] = bytes[index];
        if (bytes[index] == '\0') {
            status = STATUS_INVALID;
        }
    }
    text[length] = '\0';
    if (status == STATUS_OK) {
        status = file->node->write(file->node, text);
    }
    kfree(text);
    return status;
}

size_t kfs_bytes_held(const kfs_file_t *file)
{
    return sizeof(*file) + file->text_length + file->entry_count * sizeof(*file->entries);
}

void kfs_disown(const kfs_file_t *file)
{
    slab_debug_disown(file);
    slab_debug_disown(file->text);
    slab_debug_disown(file->entries);
}

void kfs_close(kfs_file_t *file)
{
    if (file == NULL) {
        return;
    }
    kfs_put(file->kfs, file->node);
    kfree(file->text);
    kfree(file->entries);
    kfree(file);
}

status_t kfs_stat(kfs_t *kfs, const char *path, kfs_stat_t *stat)
{
    kfs_node_t *node;
    const status_t status = kfs_get(kfs, path, &node);
    if (status != STATUS_OK) {
        return status;
    }
    kfs_describe(node, &stat->entry);
    stat->size_bytes = 0;
    if (stat->entry.is_directory) {
        stat->size_bytes = kfs_list(kfs, node, NULL, 0);
    } else if (node->read != NULL) {
        text_writer_t measure = text_writer(NULL, 0);
        node->read(node, &measure);
        stat->size_bytes = measure.length;
    }
    kfs_put(kfs, node);
    return STATUS_OK;
}
