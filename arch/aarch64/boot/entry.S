/*
 * The first instructions: from what a bootloader leaves (physical addresses, caches off) to C in the higher half.
 *
 *   QEMU -kernel, U-Boot booti    Linux's Image protocol (Documentation/arch/arm64/booting.rst): the device tree's
 *                                 physical address in x0, MMU off, EL2 or EL1, the image clean to the point of coherency
 *   U-Boot go                     a call, with the MMU and caches on, an argument count in x0, and no device tree
 *   PSCI CPU_ON                   a secondary CPU, in the state of the protocol (DEN 0022, 6.4); x0 is what smp.c passed
 *
 * Code up to boot_low_end runs at its physical address, so it names things relative to the program counter only. What is
 * written with caches off must not be shadowed by a line that speculation brought in earlier, nor be overwritten by one
 * that a loader left dirty: lines are written back and dropped before the caches go off, and again before they come on.
 *
 * The tables made here map the image in 2 MiB blocks three times (one to one, in the direct map, at ADDRESS_IMAGE), and
 * the block where the device tree begins in the direct map. One root serves both halves: the direct map's part of an
 * address is the physical address itself. page_table.c builds the real tables beside it and leaves by boot_switch_root.
 */
#include "address_map.h"
#include "control.h"
#include "smp.h"

#define IMAGE_MAGIC          0x644d5241 /* "ARM\x64" */
#define IMAGE_FLAGS          0xa        /* little-endian, 4 KiB pages, anywhere in memory */
#define BLOCK_BYTES          0x200000
#define DEVICETREE_HEADER    40
#define PHYSICAL_LIMIT_SHIFT 47
#define BOOT_TABLES          12 /* a root; 2 for the image; 4 each for an image and a header that straddle 512 GiB */
#define BOOT_STACK_BYTES     0x3000
#define BOOT_EMERGENCY_BYTES 0x2000

#define BLOCK_NORMAL (ENTRY_VALID | ENTRY_SHARED_INNER | ENTRY_ACCESSED)

#define SEMIHOSTING_WRITE0        4
#define SEMIHOSTING_EXIT_EXTENDED 0x20

#define HCR_RW  (1 << 31)
#define HCR_APK (1 << 40)
#define HCR_API (1 << 41)
#define HCR_ATA (1 << 56)

#define EXCEPTION_LEVEL_1 (1 << 2)
#define EXCEPTION_LEVEL_2 (2 << 2)
#define SPSR_EL1H_MASKED  0x3c5

    .section .boot.text, "ax", @progbits
    .balign 4096
    .globl boot_low_start
boot_low_start:
    b boot_entry
    .long 0
    .quad 0 /* offset from a multiple of 2 MiB */
    .quad kernel_image_size
    .quad IMAGE_FLAGS
    .quad 0, 0, 0
    .long IMAGE_MAGIC
    .long 0

/* Descends from the table at x2 to the one for address x0, made from the pool at x23 where it is missing. Uses x3, x4. */
    .macro DESCEND shift
    ubfx x3, x0, #\shift, #9
    ldr x4, [x2, x3, lsl #3]
    cbnz x4, 1f
    orr x4, x23, #(ENTRY_VALID | ENTRY_TABLE)
    str x4, [x2, x3, lsl #3]
    add x23, x23, #4096
1:  and x2, x4, #0x0000fffffffff000
    .endm

/* Maps the 2 MiB block of address x0 to that of physical address x1, writable and executable. Uses x2 to x5. */
boot_map_block:
    mov x2, x22
    DESCEND 39
    DESCEND 30
    ubfx x3, x0, #21, #9
    and x5, x1, #~(BLOCK_BYTES - 1)
    mov x4, #BLOCK_NORMAL
    orr x5, x5, x4
    str x5, [x2, x3, lsl #3]
    ret

/* x19: x0 as it was. x20: device tree, or 0. x21: the image's physical address. x22: boot's root table. */
boot_entry:
    msr daifset, #15
    mov x19, x0
    mov x20, x0
    adr x21, boot_low_start
    adr x1, boot_misplaced
    tst x21, #(BLOCK_BYTES - 1)
    b.ne boot_refuse
    mov x0, x21
    ldr x1, =kernel_image_size
    add x1, x1, x21
    bl boot_drop_lines
    bl boot_enter_el1
    adrp x22, boot_tables
    add x23, x22, #4096

    /* The image, block by block: at ADDRESS_IMAGE, and one to one, which is also its place in the direct map. */
    mov x24, xzr
2:  ldr x0, =ADDRESS_IMAGE
    add x0, x0, x24
    add x1, x21, x24
    bl boot_map_block
    add x0, x21, x24
    mov x1, x0
    bl boot_map_block
    add x24, x24, #BLOCK_BYTES
    ldr x0, =kernel_image_size
    cmp x24, x0
    b.lo 2b

    /* The device tree's header, which can't be read with caches off: nobody promised that it is clean. */
    tst x20, #7
    lsr x0, x20, #PHYSICAL_LIMIT_SHIFT
    ccmp x0, #0, #0, eq
    csel x20, x20, xzr, eq
    cbz x20, 3f
    mov x0, x20
    mov x1, x20
    bl boot_map_block
    add x0, x20, #(DEVICETREE_HEADER - 1)
    mov x1, x0
    bl boot_map_block
3:
    mov x0, x22
    add x1, x22, #(BOOT_TABLES * 4096)
    bl boot_drop_lines

    mov x0, x22
    mov x1, x22
    bl boot_mmu_on
    ldr x8, =boot_high
    br x8

/*
 * Writes cache lines of [x0, x1), both multiples of a page, back and drops them. A line that was there before memory was
 * written with caches off is clean, and so does no harm. Uses x2, x3.
 */
boot_drop_lines:
    dmb sy
    mrs x3, ctr_el0
    ubfx x3, x3, #16, #4
    mov x2, #4
    lsl x2, x2, x3
1:  dc civac, x0
    add x0, x0, x2
    cmp x0, x1
    b.lo 1b
    dsb sy
    ret

/* Translation on, with the tables x0 (low half) and x1 (high half). Returns to the physical address. Uses x2, x3. */
boot_mmu_on:
    ldr x2, =MAIR_VALUE
    mrs x3, id_aa64pfr1_el1
    ubfx x3, x3, #8, #4
    cmp x3, #2
    b.lo 1f
    ldr x2, =MAIR_VALUE_TAGS
1:  msr mair_el1, x2
    ldr x2, =TCR_VALUE
    mrs x3, id_aa64mmfr0_el1
    and x3, x3, #15
    cmp x3, #TCR_IPS_48
    b.ls 1f
    mov x3, #TCR_IPS_48
1:  orr x2, x2, x3, lsl #TCR_IPS_SHIFT
    msr tcr_el1, x2
    msr ttbr0_el1, x0
    msr ttbr1_el1, x1
    isb
    tlbi vmalle1
    ic iallu
    dsb nsh
    isb
    ldr x2, =SCTLR_ON
    msr sctlr_el1, x2
    isb
    ret

/* To EL1 on SP_EL1, with the MMU and caches off, and nothing that traps to EL2. Returns at EL1. Uses x0, x1. */
boot_enter_el1:
    mrs x0, currentel
    cmp x0, #EXCEPTION_LEVEL_2
    b.eq 1f
    cmp x0, #EXCEPTION_LEVEL_1
    adr x1, boot_too_high
    b.ne boot_refuse /* EL3 is firmware's; the protocol never enters there */
    ldr x1, =SCTLR_OFF
    msr spsel, #1
    msr sctlr_el1, x1
    isb
    ret
1:  ldr x0, =SCTLR_OFF_EL2
    msr sctlr_el2, x0
    isb
    /*
     * EL1 is AArch64, nothing is routed or trapped to EL2, where nobody is any more, and EL2 is no host's (E2H). Pointer
     * authentication is trapped unless two bits say otherwise, for user code as well.
     */
    ldr x0, =(HCR_RW | HCR_APK | HCR_API)
    mrs x1, id_aa64pfr1_el1 /* memory tags are EL1's where there are any (memory_tags.c) */
    ubfx x1, x1, #8, #4
    cmp x1, #2
    b.lo 2f
    orr x0, x0, #HCR_ATA
2:  msr hcr_el2, x0
    isb
    ldr x1, =SCTLR_OFF
    msr sctlr_el1, x1
    mov x0, #3 /* EL1 may use counter and timer; no traps */
    msr cnthctl_el2, x0
    msr cntvoff_el2, xzr
    msr vttbr_el2, xzr
    mov x0, #0x33ff /* CPTR_EL2: the reserved ones; no traps */
    msr cptr_el2, x0
    msr hstr_el2, xzr
    mrs x0, midr_el1
    msr vpidr_el2, x0
    mrs x0, mpidr_el1
    msr vmpidr_el2, x0
    /* With performance monitors, EL1 gets all counters; else the register has nothing to set. */
    mrs x0, id_aa64dfr0_el1
    ubfx x0, x0, #8, #4
    sub x0, x0, #1
    cmp x0, #14
    b.hs 2f
    mrs x0, pmcr_el0
    ubfx x0, x0, #11, #5
    msr mdcr_el2, x0
2:  /* Fine-grained traps (FEAT_FGT): HFGRTR, HFGWTR, HFGITR, HDFGRTR, HDFGWTR. */
    mrs x0, id_aa64mmfr0_el1
    lsr x0, x0, #56
    ands x0, x0, #15
    b.eq 3f
    msr s3_4_c1_c1_4, xzr
    msr s3_4_c1_c1_5, xzr
    msr s3_4_c1_c1_6, xzr
    msr s3_4_c3_c1_4, xzr
    msr s3_4_c3_c1_5, xzr
3:  /* The interrupt controller's system registers, where there are any: ICC_SRE_EL2.SRE and Enable, ICH_HCR_EL2. */
    mrs x0, id_aa64pfr0_el1
    ubfx x0, x0, #24, #4
    cbz x0, 4f
    mrs x0, s3_4_c12_c9_5
    orr x0, x0, #1
    orr x0, x0, #8
    msr s3_4_c12_c9_5, x0
    isb
    mrs x0, s3_4_c12_c9_5
    tbz x0, #0, 4f
    msr s3_4_c12_c11_0, xzr
4:  mov x0, #SPSR_EL1H_MASKED
    msr spsr_el2, x0
    msr elr_el2, x30
    eret

/* Says why, if an emulator listens, and ends with it (semihosting.c is for later); else stops. x1: the words. */
boot_refuse:
    mov w0, #SEMIHOSTING_WRITE0
    hlt #0xf000
    mov w0, #SEMIHOSTING_EXIT_EXTENDED
    adr x1, boot_refused
    hlt #0xf000
1:  wfe
    b 1b
    .balign 8
boot_refused:
    .quad 0x20026, 3 /* application finished; the status */
boot_misplaced:
    .asciz "boot: the image is not at a multiple of 2 MiB\n"
boot_too_high:
    .asciz "boot: entered at EL3\n"
    .balign 4

/*
 * A secondary CPU, on its way from PSCI: x0 is the address, in the higher half, of its smp_offer_t. The tables it starts
 * with were left for it, clean, in smp_tables.
 */
    .globl smp_secondary_entry
smp_secondary_entry:
    msr daifset, #15
    mov x20, x0
    bl boot_enter_el1
    adrp x8, smp_tables
    add x8, x8, :lo12:smp_tables
    ldp x0, x1, [x8]
    bl boot_mmu_on
    ldr x8, =smp_secondary_high
    br x8

/*
 * At its physical address, called with the higher half's table in x0: puts it in place, breaking before making, since it
 * maps the same addresses in pages of other sizes (Arm ARM, D8.14.1). x1 is an empty table; x30 is in the higher half.
 */
boot_switch_low:
    msr ttbr1_el1, x1
    isb
    tlbi vmalle1
    dsb nsh
    isb
    msr ttbr1_el1, x0
    isb
    ret

    .ltorg
    .globl boot_low_end
boot_low_end:

    .text
boot_high:
    adrp x0, boot_emergency_top
    add x0, x0, :lo12:boot_emergency_top
    mov sp, x0
    msr spsel, #0 /* as threads run, so that exceptions need not ask where the stack is (trap_entry.S) */
    adrp x0, boot_stack_top
    add x0, x0, :lo12:boot_stack_top
    mov sp, x0
    mov x29, xzr
    mov x30, xzr
    mov x0, x20
    mov x1, x21
    mov x2, x19
    bl boot_start
1:  wfi
    b 1b

/*
 * void boot_switch_root(uint64_t root, uint64_t empty, uint64_t image): the higher half's tables from now on are those
 * at physical `root`; the lower half has none (`empty`). The image is at physical `image`. Only while boot's one-to-one
 * map is in force.
 */
    .globl boot_switch_root
    .type boot_switch_root, @function
boot_switch_root:
    stp x29, x30, [sp, #-32]!
    mov x29, sp
    str x1, [sp, #16]
    adrp x8, boot_switch_low
    add x8, x8, :lo12:boot_switch_low
    ldr x9, =ADDRESS_IMAGE
    sub x8, x8, x9
    add x8, x8, x2
    blr x8
    ldr x1, [sp, #16]
    ldp x29, x30, [sp], #32
    b boot_drop_low_half
    .size boot_switch_root, . - boot_switch_root

/* x1: physical address of an empty table for the lower half. */
boot_drop_low_half:
    msr ttbr0_el1, x1
    isb
    tlbi vmalle1
    dsb nsh
    isb
    ret

/* The offer is taken by one exchange, or it was withdrawn and this CPU stops (smp.c). x20: the smp_offer_t. */
smp_secondary_high:
    adrp x8, smp_tables
    add x8, x8, :lo12:smp_tables
    ldr x1, [x8, #16]
    bl boot_drop_low_half
    add x1, x20, #SMP_OFFER_STATE
    mov w3, #SMP_OFFER_TAKEN
1:  ldaxr w2, [x1]
    cmp w2, #SMP_OFFER_OPEN
    b.ne 2f
    stxr w4, w3, [x1]
    cbnz w4, 1b
    ldr x0, [x20, #SMP_OFFER_PROCESSOR]
    ldp x1, x2, [x20, #SMP_OFFER_STACKS]
    msr spsel, #1
    mov sp, x1
    msr spsel, #0
    mov sp, x2
    mov x29, xzr
    mov x30, xzr
    mov x1, x20
    bl smp_secondary_start
2:  wfi
    b 2b

/*
 * void boot_leave(uintptr_t interrupt_top, uintptr_t thread_top): boot_continue() on the real stacks. The zero frame
 * pointer ends every backtrace.
 */
    .globl boot_leave
    .type boot_leave, @function
boot_leave:
    msr spsel, #1
    mov sp, x0
    msr spsel, #0
    mov sp, x1
    mov x29, xzr
    mov x30, xzr
    bl boot_continue
1:  wfi
    b 1b
    .size boot_leave, . - boot_leave

    .ltorg

    .bss
    .balign 4096
boot_tables:
    .skip BOOT_TABLES * 4096
    .skip BOOT_STACK_BYTES
boot_stack_top:
    .skip BOOT_EMERGENCY_BYTES
    .globl boot_emergency_top
boot_emergency_top:

    .section .note.GNU-stack, "", @progbits
