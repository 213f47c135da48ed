/*
 * Handles: small numbers that stand for what a process has open.
 *
 * The table's lock guards every entry, because a parent may grant its child an object while the child runs. Who uses
 * what a handle stands for holds a reference of its own meanwhile.
 */
#include "mm/kmalloc.h"
#include "mm/slab_debug.h"
#include "process_internal.h"

static bool is_free(const process_handle_t *handle)
{
    return handle->file == NULL && handle->object == NULL;
}

status_t process_handle_put_in(process_t *process, process_handle_t handle, uint64_t *index)
{
    for (uint64_t place = 0; place < SYSTEM_HANDLES_MAX; place++) {
        if (is_free(&process->handles[place])) {
            process->handles[place] = handle;
            *index = place;
            return STATUS_OK;
        }
    }
    return STATUS_BUSY;
}

int64_t process_handle_add(process_t *process, process_handle_t handle)
{
    uint64_t index;
    const spinlock_hold_t hold = process_lock();
    const status_t status = process_handle_put_in(process, handle, &index);
    process_unlock(hold);
    if (status != STATUS_OK) {
        process_handle_put(handle);
        return process_result_of(status);
    }
    return (int64_t)index;
}

/* Adds a reference to what the handle stands for. The caller holds the lock. */
static void retain(process_handle_t handle)
{
    if (handle.file != NULL) {
        handle.file->references++;
    }
    if (handle.object != NULL) {
        (void)memory_object_retain(handle.object);
    }
}

/* What the handle stands for is more than one process's now. */
static void disown(process_handle_t handle)
{
    if (handle.file != NULL) {
        slab_debug_disown(handle.file);
        kfs_disown(handle.file->file);
    }
    if (handle.object != NULL) {
        memory_object_disown(handle.object);
    }
}

status_t process_handle_get(process_t *process, uint64_t index, process_handle_kind_t kind, process_handle_t *handle)
{
    if (index >= SYSTEM_HANDLES_MAX) {
        return STATUS_NOT_FOUND;
    }
    const spinlock_hold_t hold = process_lock();
    const process_handle_t found = process->handles[index];
    const bool is_such = kind == PROCESS_HANDLE_FILE ? found.file != NULL : found.object != NULL;
    if (is_such) {
        retain(found);
        *handle = found;
    }
    process_unlock(hold);
    return is_such ? STATUS_OK : STATUS_NOT_FOUND;
}

/* Opens the file, which then is paid for, or closed again. */
static status_t open_and_pay(open_file_t *file, const char *path)
{
    const status_t status = kfs_open(process_kfs, path, &file->file);
    if (status != STATUS_OK) {
        return status;
    }
    file->pages = pages_for_bytes(kfs_bytes_held(file->file));
    if (!quota_take(file->quota, QUOTA_PAGES, file->pages)) {
        kfs_close(file->file);
        return STATUS_OVER_QUOTA;
    }
    return STATUS_OK;
}

status_t process_file_open(const process_t *process, const char *path, open_file_t **opened)
{
    open_file_t *const file = kmalloc(sizeof(*file));
    if (file == NULL) {
        return STATUS_NO_MEMORY;
    }
    *file = (open_file_t){.quota = process->quota, .references = 1};
    const status_t status = open_and_pay(file, path);
    if (status != STATUS_OK) {
        kfree(file);
        return status;
    }
    (void)quota_retain(file->quota);
    *opened = file;
    return STATUS_OK;
}

/* Closes what nobody refers to any more. */
static void close_file(open_file_t *file)
{
    kfs_close(file->file);
    quota_give_back(file->quota, QUOTA_PAGES, file->pages);
    quota_release(file->quota);
    kfree(file);
}

void process_handle_put(process_handle_t handle)
{
    if (handle.file != NULL) {
        const spinlock_hold_t hold = process_lock();
        const bool is_last = --handle.file->references == 0;
        process_unlock(hold);
        if (is_last) {
            close_file(handle.file);
        }
    }
    memory_object_release(handle.object);
}

status_t process_handle_close(process_t *process, uint64_t index)
{
    if (index >= SYSTEM_HANDLES_MAX) {
        return STATUS_NOT_FOUND;
    }
    const spinlock_hold_t hold = process_lock();
    const process_handle_t handle = process->handles[index];
    process->handles[index] = (process_handle_t){NULL, NULL};
    process_unlock(hold);
    if (is_free(&handle)) {
        return STATUS_NOT_FOUND;
    }
    process_handle_put(handle);
    return STATUS_OK;
}

void process_handles_copy(process_t *parent, process_t *child)
{
    const spinlock_hold_t hold = process_lock();
    for (size_t index = 0; index < SYSTEM_HANDLES_MAX; index++) {
        child->handles[index] = parent->handles[index];
        retain(child->handles[index]);
        disown(child->handles[index]);
    }
    process_unlock(hold);
}

uint64_t process_handles_close_all(process_t *process)
{
    uint64_t closed = 0;
    for (uint64_t index = 0; index < SYSTEM_HANDLES_MAX; index++) {
        closed += process_handle_close(process, index) == STATUS_OK;
    }
    return closed;
}
