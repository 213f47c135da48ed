/*
 * Looking things up in a tree: properties by name, nodes by path, alias, phandle or what they are compatible with.
 */
#include "base/text.h"
#include "devicetree.h"
#include "devicetree_bytes.h"

/* Whether a property's name, which ends, is the `length` characters at `wanted`. */
static bool name_is(const char *name, const char *wanted, size_t length)
{
    for (size_t index = 0; index < length; index++) {
        if (name[index] != wanted[index] || name[index] == '\0') {
            return false;
        }
    }
    return name[length] == '\0';
}

/* The same for a node's name, whose unit address counts only when one is wanted. */
static bool node_name_is(const char *name, const char *wanted, size_t length)
{
    bool wants_address = false;
    for (size_t index = 0; index < length; index++) {
        if (name[index] != wanted[index] || name[index] == '\0') {
            return false;
        }
        wants_address |= wanted[index] == '@';
    }
    return name[length] == '\0' || (name[length] == '@' && !wants_address);
}

bool devicetree_is_named(const devicetree_node_t *node, const char *name)
{
    return node_name_is(devicetree_name(node), name, text_length(name));
}

static bool find_property(const devicetree_node_t *node, const char *wanted, size_t length, devicetree_value_t *value)
{
    uint32_t cursor = 0;
    const char *name;
    while (devicetree_next_property(node, &cursor, &name, value)) {
        if (name_is(name, wanted, length)) {
            return true;
        }
    }
    return false;
}

bool devicetree_property(const devicetree_node_t *node, const char *name, devicetree_value_t *value)
{
    return find_property(node, name, text_length(name), value);
}

const char *devicetree_property_string(const devicetree_node_t *node, const char *name)
{
    devicetree_value_t value;
    if (devicetree_property(node, name, &value)) {
        for (uint32_t index = 0; index < value.length; index++) {
            if (value.bytes[index] == 0) {
                return (const char *)value.bytes;
            }
        }
    }
    return NULL;
}

bool devicetree_property_u32(const devicetree_node_t *node, const char *name, uint32_t *number)
{
    devicetree_value_t value;
    if (!devicetree_property(node, name, &value) || value.length != 4) {
        return false;
    }
    *number = bytes_u32(value.bytes);
    return true;
}

bool devicetree_value_has_string(devicetree_value_t value, const char *string)
{
    const size_t length = text_length(string);
    uint32_t start = 0;
    for (uint32_t at = 0; at < value.length; at++) {
        if (value.bytes[at] == 0) {
            if (at - start == length && name_is((const char *)value.bytes + start, string, length)) {
                return true;
            }
            start = at + 1;
        }
    }
    return false;
}

bool devicetree_is_compatible(const devicetree_node_t *node, const char *compatible)
{
    devicetree_value_t value;
    return devicetree_property(node, "compatible", &value) && devicetree_value_has_string(value, compatible);
}

bool devicetree_is_available(const devicetree_node_t *node)
{
    devicetree_value_t value;
    if (!devicetree_property(node, "status", &value)) {
        return true;
    }
    const char *status = devicetree_property_string(node, "status");
    return status != NULL && (text_equal(status, "okay") || text_equal(status, "ok"));
}

bool devicetree_find_compatible(devicetree_node_t *node, const char *compatible)
{
    do {
        if (devicetree_is_compatible(node, compatible) && devicetree_is_available(node)) {
            return true;
        }
    } while (devicetree_next(node));
    return false;
}

/* Goes down from *node by the names in path[0 .. length). */
static status_t go_down(const char *path, size_t length, devicetree_node_t *node)
{
    size_t end;
    for (size_t at = 0; at < length; at = end) {
        end = at;
        while (end < length && path[end] != '/') {
            end++;
        }
        if (end == at) {
            end++; /* a slash */
            continue;
        }
        devicetree_node_t child;
        bool is_there = devicetree_first_child(node, &child);
        while (is_there && !node_name_is(devicetree_name(&child), path + at, end - at)) {
            is_there = devicetree_next_sibling(&child);
        }
        if (!is_there) {
            return STATUS_NOT_FOUND;
        }
        *node = child;
    }
    return STATUS_OK;
}

/* The node that path[0 .. length), a name without slashes, stands for in /aliases. */
static status_t find_alias(const char *alias, size_t length, devicetree_node_t *node)
{
    devicetree_value_t path;
    status_t status = go_down("aliases", 7, node);
    if (status != STATUS_OK) {
        return status;
    }
    /* An alias stands for a whole path and not for another alias: there is nothing to go round in. */
    if (!find_property(node, alias, length, &path) || path.length < 2 || path.bytes[0] != '/' ||
        path.bytes[path.length - 1] != 0) {
        return STATUS_NOT_FOUND;
    }
    *node = devicetree_root(node->tree);
    return go_down((const char *)path.bytes, text_length((const char *)path.bytes), node);
}

status_t devicetree_find(const devicetree_t *tree, const char *path, size_t length, devicetree_node_t *node)
{
    size_t end = 0;
    while (end < length && path[end] != '\0') {
        end++;
    }
    size_t alias_end = 0;
    while (alias_end < end && path[alias_end] != '/') {
        alias_end++;
    }
    if (end == 0) {
        return STATUS_NOT_FOUND;
    }
    *node = devicetree_root(tree);
    const status_t status = alias_end == 0 ? STATUS_OK : find_alias(path, alias_end, node);
    return status == STATUS_OK ? go_down(path + alias_end, end - alias_end, node) : status;
}

/* Whether the node has a property of one cell with this number, of whatever name. */
static bool has_cell(const devicetree_node_t *node, uint32_t number)
{
    uint32_t cursor = 0;
    const char *name;
    devicetree_value_t value;
    while (devicetree_next_property(node, &cursor, &name, &value)) {
        if (value.length == 4 && bytes_u32(value.bytes) == number) {
            return true;
        }
    }
    return false;
}

status_t devicetree_find_phandle(const devicetree_t *tree, uint32_t phandle, devicetree_node_t *node)
{
    uint32_t number;
    *node = devicetree_root(tree);
    if (phandle == 0 || phandle == UINT32_MAX) {
        return STATUS_NOT_FOUND;
    }
    do {
        /* A number is compared sooner than two names with those of all properties. */
        if (has_cell(node, phandle) &&
            (devicetree_property_u32(node, "phandle", &number) ||
             devicetree_property_u32(node, "linux,phandle", &number)) &&
            number == phandle) {
            return STATUS_OK;
        }
    } while (devicetree_next(node));
    return STATUS_NOT_FOUND;
}
