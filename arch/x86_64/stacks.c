/*
 * Where kernel stacks are:
 *
 *   ADDRESS_STACKS + index * STACK_SLOT_BYTES
 *     | guard | thread 64 KiB | guard | interrupt 16 KiB | guard | double fault 8 KiB | guard | NMI 8 KiB | ...
 */
#include "stacks.h"

#include "address_map.h"
#include "base/units.h"

#define STACK_SLOT_BYTES KIB(256)

static const stack_place_t places[STACK_KIND_COUNT] = {
    [STACK_THREAD] = {0x1000, KIB(64), PAGE_SIZE},        [STACK_INTERRUPT] = {0x12000, KIB(16), PAGE_SIZE},
    [STACK_DOUBLE_FAULT] = {0x17000, KIB(8), PAGE_SIZE},  [STACK_NMI] = {0x1a000, KIB(8), PAGE_SIZE},
    [STACK_MACHINE_CHECK] = {0x1d000, KIB(8), PAGE_SIZE}, [STACK_DEBUG] = {0x20000, KIB(8), PAGE_SIZE},
};

const stack_layout_t stack_layout = {ADDRESS_STACKS, STACK_SLOT_BYTES, STACK_KIND_COUNT, places};
