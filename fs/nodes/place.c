/*
 * Puts tables of files into a tree.
 */
#include "fs/kfs_nodes.h"

status_t kfs_place(kfs_t *kfs, const kfs_placement_t *placements, size_t count)
{
    for (size_t index = 0; index < count; index++) {
        status_t status = kfs_make_directory(kfs, placements[index].directory);
        if (status == STATUS_OK) {
            status = kfs_add(kfs, placements[index].directory, placements[index].node);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}
