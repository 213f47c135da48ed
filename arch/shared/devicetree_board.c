/*
 * The questions of devicetree_board.h, each a few steps over nodes and cells.
 */
#include "devicetree_board.h"

#include "base/text.h"

static bool find_chosen(const devicetree_t *tree, devicetree_node_t *chosen)
{
    return devicetree_find(tree, "/chosen", SIZE_MAX, chosen) == STATUS_OK;
}

bool devicetree_bootargs(const devicetree_t *tree, devicetree_value_t *arguments)
{
    devicetree_node_t chosen;
    *arguments = (devicetree_value_t){tree->bytes, 0};
    if (!find_chosen(tree, &chosen) || !devicetree_property(&chosen, "bootargs", arguments)) {
        return false;
    }
    for (uint32_t length = 0; length < arguments->length; length++) {
        if (arguments->bytes[length] == 0) {
            arguments->length = length;
        }
    }
    return true;
}

status_t devicetree_stdout(const devicetree_t *tree, devicetree_node_t *node)
{
    devicetree_node_t chosen;
    if (!find_chosen(tree, &chosen)) {
        return STATUS_NOT_FOUND;
    }
    const char *path = devicetree_property_string(&chosen, "stdout-path");
    if (path == NULL) {
        path = devicetree_property_string(&chosen, "linux,stdout-path");
    }
    if (path == NULL) {
        return STATUS_NOT_FOUND;
    }
    size_t length = 0;
    while (path[length] != '\0' && path[length] != ':') {
        length++;
    }
    return devicetree_find(tree, path, length, node);
}

/* A property whose whole value is one number of 32 or 64 bits. */
static bool property_number(const devicetree_node_t *node, const char *name, uint64_t *number)
{
    devicetree_value_t value;
    return devicetree_property(node, name, &value) && (value.length == 4 || value.length == 8) &&
           devicetree_value_number(value, 0, value.length / 4, number);
}

status_t devicetree_initrd(const devicetree_t *tree, devicetree_range_t *range)
{
    devicetree_node_t chosen;
    devicetree_value_t value;
    uint64_t start;
    uint64_t end;
    if (!find_chosen(tree, &chosen) || !devicetree_property(&chosen, "linux,initrd-start", &value)) {
        return STATUS_NOT_FOUND;
    }
    if (!property_number(&chosen, "linux,initrd-start", &start) ||
        !property_number(&chosen, "linux,initrd-end", &end) || end <= start) {
        return STATUS_CORRUPT;
    }
    *range = (devicetree_range_t){start, end - start};
    return STATUS_OK;
}

static bool has_device_type(const devicetree_node_t *node, const char *type)
{
    const char *value = devicetree_property_string(node, "device_type");
    return value != NULL && text_equal(value, type);
}

/* The first node inside the root's child `name` when *node is the root, else the next beside *node. */
static bool next_inside(devicetree_node_t *node, const char *name)
{
    devicetree_node_t group;
    if (node->depth != 0) {
        return devicetree_next_sibling(node);
    }
    return devicetree_find(node->tree, name, SIZE_MAX, &group) == STATUS_OK && devicetree_first_child(&group, node);
}

bool devicetree_next_memory(devicetree_node_t *node)
{
    while (next_inside(node, "/")) {
        if (has_device_type(node, "memory") && devicetree_is_available(node)) {
            return true;
        }
    }
    return false;
}

bool devicetree_next_reserved(devicetree_node_t *node)
{
    while (next_inside(node, "/reserved-memory")) {
        if (devicetree_is_available(node)) {
            return true;
        }
    }
    return false;
}

static bool cpu_is_usable(const devicetree_node_t *node)
{
    const char *status = devicetree_property_string(node, "status");
    devicetree_value_t method;
    return devicetree_is_available(node) ||
           (status != NULL && text_equal(status, "disabled") && devicetree_property(node, "enable-method", &method));
}

bool devicetree_next_cpu(devicetree_node_t *node)
{
    while (next_inside(node, "/cpus")) {
        if (has_device_type(node, "cpu") && cpu_is_usable(node)) {
            return true;
        }
    }
    return false;
}

bool devicetree_cpu_id(const devicetree_node_t *cpu, uint64_t *id)
{
    devicetree_range_t reg;
    if (devicetree_reg_local(cpu, 0, &reg) != STATUS_OK) {
        return false;
    }
    *id = reg.base;
    return true;
}

bool devicetree_timebase_frequency(const devicetree_node_t *cpu, uint64_t *hertz)
{
    const devicetree_node_t cpus = devicetree_parent(cpu);
    uint64_t number;
    if ((!property_number(cpu, "timebase-frequency", &number) &&
         !property_number(&cpus, "timebase-frequency", &number)) ||
        number == 0) {
        return false;
    }
    *hertz = number;
    return true;
}

static char lower(char character)
{
    return character >= 'A' && character <= 'Z' ? (char)(character - 'A' + 'a') : character;
}

/*
 * Whether an ISA string ("rv64imac_zba_zbb") has the extension: one letter in the first part, or a whole part behind
 * it.
 */
static bool isa_has(const char *isa, const char *extension)
{
    const size_t length = text_length(extension);
    size_t at = 4; /* behind "rv64" */
    if (text_length(isa) < at) {
        return false;
    }
    for (; isa[at] != '\0' && isa[at] != '_'; at++) {
        if (length == 1 && lower(isa[at]) == extension[0]) {
            return true;
        }
    }
    while (isa[at] == '_') {
        const size_t start = ++at;
        bool is_same = true;
        for (; isa[at] != '\0' && isa[at] != '_'; at++) {
            is_same = is_same && at - start < length && lower(isa[at]) == extension[at - start];
        }
        if (is_same && at - start == length) {
            return true;
        }
    }
    return false;
}

bool devicetree_riscv_has(const devicetree_node_t *cpu, const char *extension)
{
    devicetree_value_t extensions;
    if (devicetree_property(cpu, "riscv,isa-extensions", &extensions)) {
        return devicetree_value_has_string(extensions, extension);
    }
    const char *isa = devicetree_property_string(cpu, "riscv,isa");
    return isa != NULL && isa_has(isa, extension);
}

/* The node that a cell of `value` refers to. */
static status_t find_by_cell(const devicetree_t *tree, devicetree_value_t value, uint32_t cell, devicetree_node_t *node)
{
    uint64_t phandle;
    if (!devicetree_value_number(value, cell, 1, &phandle)) {
        return STATUS_CORRUPT;
    }
    return devicetree_find_phandle(tree, (uint32_t)phandle, node);
}

status_t devicetree_interrupt_parent(const devicetree_node_t *node, devicetree_node_t *controller)
{
    devicetree_value_t value;
    devicetree_node_t at = *node;
    for (;;) {
        if (devicetree_property(&at, "interrupt-parent", &value)) {
            return find_by_cell(at.tree, value, 0, controller);
        }
        if (at.depth == 0) {
            return STATUS_NOT_FOUND;
        }
        at = devicetree_parent(&at);
        if (devicetree_property(&at, "interrupt-controller", &value) ||
            devicetree_property(&at, "interrupt-map", &value)) {
            *controller = at;
            return STATUS_OK;
        }
    }
}

/* Reads the cells of one interrupt, from *cursor on, as its controller wants them. */
static status_t read_cells(devicetree_value_t value, uint32_t *cursor, devicetree_interrupt_t *interrupt)
{
    uint32_t count;
    if (!devicetree_property_u32(&interrupt->controller, "#interrupt-cells", &count) || count == 0 ||
        count > DEVICETREE_INTERRUPT_CELLS_MAX) {
        return STATUS_CORRUPT;
    }
    for (uint32_t index = 0; index < count; index++) {
        uint64_t number;
        if (!devicetree_value_number(value, (uint64_t)*cursor + index, 1, &number)) {
            return STATUS_CORRUPT;
        }
        interrupt->cells[index] = (uint32_t)number;
    }
    interrupt->cell_count = count;
    *cursor += count;
    return STATUS_OK;
}

status_t devicetree_next_interrupt(const devicetree_node_t *node, uint32_t *cursor, devicetree_interrupt_t *interrupt)
{
    devicetree_value_t value;
    const bool is_extended = devicetree_property(node, "interrupts-extended", &value);
    if (!is_extended && !devicetree_property(node, "interrupts", &value)) {
        return STATUS_NOT_FOUND;
    }
    if (*cursor >= value.length / 4) {
        return value.length % 4 == 0 ? STATUS_NOT_FOUND : STATUS_CORRUPT;
    }
    interrupt->cell_count = 0;
    if (!is_extended) {
        const status_t status = devicetree_interrupt_parent(node, &interrupt->controller);
        return status == STATUS_OK ? read_cells(value, cursor, interrupt) : status;
    }
    uint64_t phandle;
    if (!devicetree_value_number(value, *cursor, 1, &phandle)) {
        return STATUS_CORRUPT;
    }
    (*cursor)++;
    if (phandle == 0 || phandle == UINT32_MAX) {
        interrupt->controller = devicetree_root(node->tree);
        return STATUS_OK;
    }
    if (devicetree_find_phandle(node->tree, (uint32_t)phandle, &interrupt->controller) != STATUS_OK) {
        return STATUS_CORRUPT;
    }
    return read_cells(value, cursor, interrupt);
}
