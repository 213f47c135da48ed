/*
 * testing/oracle/boot_map.h.
 */
#include "testing/oracle/boot_map.h"

#include "kernel/boot/devicetree.h"

status_t boot_map_read(const void *bytes, uint64_t length, uint64_t base, memory_map_t *map, cmdline_t *cmdline)
{
    const boot_window_t window = {bytes, base, length};
    boot_data_t boot = {.map = map, .cmdline = cmdline};
    memory_map_init(map);
    cmdline_set(cmdline, "", 0);
    return devicetree_read(&window, physical_address(base), &boot);
}
