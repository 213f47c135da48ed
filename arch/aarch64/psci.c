/*
 * PSCI calls: the SMC Calling Convention (DEN 0028) by HVC or SMC.
 *
 * Version 0.2 and later have fixed function numbers; 0.1 has its own in the device tree (Linux,
 * Documentation/devicetree/bindings/arm/psci.yaml).
 */
#include "psci.h"

#define FUNCTION_NONE       0u
#define FUNCTION_SYSTEM_OFF 0x84000008u
#define FUNCTION_CPU_ON_64  0xc4000003u

#define PSCI_SUCCESS            0
#define PSCI_INVALID_PARAMETERS (-2)
#define PSCI_ALREADY_ON         (-4)
#define PSCI_ON_PENDING         (-5)
#define PSCI_INVALID_ADDRESS    (-9)

static bool is_by_smc;
static uint32_t function_cpu_on = FUNCTION_NONE;
static uint32_t function_system_off = FUNCTION_NONE;

void psci_find(const devicetree_t *tree)
{
    static const char *const versions[] = {"arm,psci-1.0", "arm,psci-0.2", "arm,psci"};

    for (unsigned version = 0; version < ARRAY_COUNT(versions); version++) {
        devicetree_node_t node = devicetree_root(tree);
        devicetree_value_t method;
        if (!devicetree_find_compatible(&node, versions[version]) || !devicetree_property(&node, "method", &method)) {
            continue;
        }
        is_by_smc = devicetree_value_has_string(method, "smc");
        if (!is_by_smc && !devicetree_value_has_string(method, "hvc")) {
            continue;
        }
        const bool is_old = version == ARRAY_COUNT(versions) - 1;
        function_cpu_on = is_old ? FUNCTION_NONE : FUNCTION_CPU_ON_64;
        function_system_off = is_old ? FUNCTION_NONE : FUNCTION_SYSTEM_OFF;
        if (is_old) {
            (void)devicetree_property_u32(&node, "cpu_on", &function_cpu_on); /* may be missing: it stays NONE */
        }
        return;
    }
}

static int64_t psci_call(uint32_t function, uint64_t first, uint64_t second, uint64_t third)
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = first;
    register uint64_t x2 __asm__("x2") = second;
    register uint64_t x3 __asm__("x3") = third;

    /* Up to version 1.0 of the convention a call may change x4 to x17. */
#define PSCI_CALL(instruction)                                                                                     \
    __asm__ volatile(instruction " #0"                                                                             \
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)                                                      \
                     :                                                                                             \
                     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", \
                       "memory")
    if (is_by_smc) {
        PSCI_CALL("smc");
    } else {
        PSCI_CALL("hvc");
    }
#undef PSCI_CALL
    return (int32_t)x0; /* results of the functions used here are 32-bit numbers in both conventions */
}

status_t psci_cpu_on(uint64_t affinity, uint64_t entry, uint64_t argument)
{
    if (function_cpu_on == FUNCTION_NONE) {
        return STATUS_UNSUPPORTED;
    }
    switch (psci_call(function_cpu_on, affinity, entry, argument)) {
    case PSCI_SUCCESS:
        return STATUS_OK;
    case PSCI_ALREADY_ON:
    case PSCI_ON_PENDING:
        return STATUS_EXISTS;
    case PSCI_INVALID_PARAMETERS:
    case PSCI_INVALID_ADDRESS:
        return STATUS_INVALID;
    default:
        return STATUS_DENIED;
    }
}

void psci_system_off(void)
{
    if (function_system_off != FUNCTION_NONE) {
        (void)psci_call(function_system_off, 0, 0, 0); /* comes back only to say that it failed */
    }
}
