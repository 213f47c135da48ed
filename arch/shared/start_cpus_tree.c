/*
 * The list of CPUs in a device tree, for start_cpus().
 */
#include "base/log.h"
#include "start_cpus.h"

static bool is_listed(const uint64_t *ids, uint32_t count, uint64_t id)
{
    for (uint32_t position = 0; position < count; position++) {
        if (ids[position] == id) {
            return true;
        }
    }
    return false;
}

uint32_t start_cpus_list(const devicetree_t *tree, uint64_t boot_id, uint64_t unusable_bits,
                         uint64_t ids[CPU_COUNT_MAX - 1])
{
    devicetree_node_t node = devicetree_root(tree);
    uint32_t count = 0;
    uint32_t left_out = 0;

    while (devicetree_next_cpu(&node)) {
        uint64_t id;
        if (!devicetree_cpu_id(&node, &id) || (id & unusable_bits) != 0) {
            log_line("cpu: %s has no usable number", devicetree_name(&node));
        } else if (id != boot_id && !is_listed(ids, count, id)) {
            if (count == CPU_COUNT_MAX - 1) {
                left_out++;
            } else {
                ids[count++] = id;
            }
        }
    }
    if (left_out != 0) {
        log_line("cpu: %u CPUs beyond the first %u are left alone", left_out, CPU_COUNT_MAX);
    }
    return count;
}
