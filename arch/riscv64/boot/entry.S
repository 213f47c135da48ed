/*
 * The first instructions: from what a bootloader leaves (supervisor mode, no paging, a0 the hart's number, a1 the device
 * tree) to C in the higher half.
 *
 *   OpenSBI, U-Boot `bootelf`   load the ELF file and enter at its first byte
 *   U-Boot `booti`              loads the flat image by its header (Linux, Documentation/riscv/boot-image-header.rst)
 *
 * Code here runs at the image's physical address, or anywhere: it names things relative to the program counter. Paging
 * is switched on with a trap: nothing is mapped one to one, so the fetch after the write of satp faults, and stvec
 * leads to the higher half. The tables made here are Sv39 and map the image (writable and executable) and the first
 * 4 GiB through the direct map; page_table.c turns them into the real ones.
 */
#include "address_map.h"

/* Page-table entries (README.md): valid, readable, writable, executable, accessed, dirty. */
#define ENTRY_TABLE    0x01
#define ENTRY_DATA     0xc7
#define ENTRY_ANYTHING 0xcf

#define ROOT_INDEX_DIRECT_MAP 256
#define ROOT_INDEX_LAST       511
#define IMAGE_INDEX           ((ADDRESS_IMAGE >> 21) & 511)
#define SATP_SV39             8
#define SSTATUS_FS_VS         0x6600
#define SSTATUS_SUM_MXR       0xc0000

#define SBI_LEGACY_PUTCHAR  1
#define SBI_RESET           0x53525354
#define RESET_REASON_FAILED 1

    .option norvc

    .section .boot.header, "ax", @progbits
    .globl boot_header
boot_header:
    j boot_entry
    nop
    .dword IMAGE_TEXT_OFFSET
    .dword kernel_image_size
    .dword 0          /* flags: little-endian */
    .word 0x00000002  /* version 0.2 */
    .word 0
    .dword 0
    .ascii "RISCV\0\0\0"
    .ascii "RSC\x05"
    .word 0

    .section .boot.text, "ax", @progbits
    .type boot_entry, @function
boot_entry:
    csrw sie, zero
    mv s0, a0
    mv s1, a1
    li t0, SSTATUS_FS_VS | SSTATUS_SUM_MXR
    csrc sstatus, t0
#ifdef __riscv_zbb
    /* Asked here, and not by whatever function happens to count bits first. */
    lla t0, boot_no_zbb
    csrw stvec, t0
    ctz t0, t0
#endif
    lla t0, boot_early_trap
    csrw stvec, t0

    /* Firmware older than HSM lets all harts in. One goes on; the rest are not started by anybody. */
    lla t0, boot_lottery
    li t1, 1
    amoadd.w t1, t1, (t0)
    bnez t1, boot_halt

    lla sp, boot_stack_top
    lla s2, boot_header
    slli t0, s2, 64 - 21
    bnez t0, boot_misplaced

    lla t0, kernel_bss_start
    lla t1, kernel_bss_end
1:  sd zero, (t0)
    addi t0, t0, 8
    bltu t0, t1, 1b

    /* The root: four pages of 1 GiB at the direct map, and a table for the last GiB. */
    lla t0, page_table_root39
    li t1, ROOT_INDEX_DIRECT_MAP * 8
    add t1, t0, t1
    li t2, ENTRY_DATA
    li t3, 4
    li t4, 1 << (30 - 2)
1:  sd t2, (t1)
    add t2, t2, t4
    addi t1, t1, 8
    addi t3, t3, -1
    bnez t3, 1b
    lla t1, boot_table_last
    srli t2, t1, 2
    ori t2, t2, ENTRY_TABLE
    li t3, ROOT_INDEX_LAST * 8
    add t3, t0, t3
    sd t2, (t3)

    /* The image, in pages of 2 MiB. */
    li t2, IMAGE_INDEX * 8
    add t1, t1, t2
    srli t2, s2, 2
    ori t2, t2, ENTRY_ANYTHING
    li t3, IMAGE_SIZE_MAX >> 21
    li t4, 1 << (21 - 2)
1:  sd t2, (t1)
    add t2, t2, t4
    addi t1, t1, 8
    addi t3, t3, -1
    bnez t3, 1b

    srli t0, t0, 12
    li t1, SATP_SV39
    slli t1, t1, 60
    or a0, t0, t1
    lla t0, boot_paged_address
    ld a1, (t0)
    call paging_on

    /* Came back: the CPU does not know the mode. */
    lla a0, boot_no_paging_text
    j boot_say_and_end

    .balign 4
boot_paged:
    lla t0, boot_early_trap
    csrw stvec, t0
    lla sp, boot_stack_top
    lla tp, boot_processor
    csrw sscratch, tp
    mv a0, s0
    mv a1, s1
    mv a2, s2
    li s0, 0 /* the outermost frame */
    li ra, 0
    call boot_start
    .size boot_entry, . - boot_entry

/* To a page-table root (a0: for satp) and on at a virtual address (a1, 4-aligned); returns if the CPU does not know the mode. */
    .globl paging_on
    .type paging_on, @function
paging_on:
    csrw stvec, a1
    sfence.vma
    csrw satp, a0
    ret
    .size paging_on, . - paging_on

boot_misplaced:
    lla a0, boot_misplaced_text
    j boot_say_and_end

#ifdef __riscv_zbb
    .balign 4
boot_no_zbb:
    lla a0, boot_no_zbb_text
    j boot_say_and_end
#endif

/* Until C has set its own handler up: there is little to tell but that it happened. */
    .balign 4
boot_early_trap:
    lla a0, boot_early_trap_text
    lla t0, boot_reads_tree
    lw t0, (t0)
    beqz t0, boot_say_and_end
    lla a0, boot_no_tree_text

/* Through the firmware: a message, and a failure. */
boot_say_and_end:
    mv s3, a0
1:  lbu a0, (s3)
    beqz a0, 2f
    li a7, SBI_LEGACY_PUTCHAR
    ecall
    addi s3, s3, 1
    j 1b
2:  li a0, 0
    li a1, RESET_REASON_FAILED
    li a6, 0
    li a7, SBI_RESET
    ecall
boot_halt:
    csrw sie, zero
3:  wfi
    j 3b

/* boot_leave(handoff, stack): kernel_main(handoff) on another stack. */
    .globl boot_leave
    .type boot_leave, @function
boot_leave:
    mv sp, a1
    li s0, 0
    li ra, 0
    tail kernel_main
    .size boot_leave, . - boot_leave

    .section .rodata
    .balign 8
boot_paged_address:
    .dword boot_paged
boot_no_paging_text:
    .asciz "Quarry needs a CPU with Sv39 paging.\r\n"
boot_misplaced_text:
    .asciz "Quarry must be loaded at a multiple of 2 MiB.\r\n"
boot_early_trap_text:
    .asciz "Quarry: an exception before the kernel was ready for any.\r\n"
boot_no_tree_text:
    .asciz "Quarry: the device tree is where this CPU can't read.\r\n"
#ifdef __riscv_zbb
boot_no_zbb_text:
    .asciz "Quarry: this image is for CPUs with Zbb, and this CPU has none.\r\n"
#endif

    .data
    .balign 4
boot_lottery:
    .word 0
    .globl boot_reads_tree
boot_reads_tree:
    .word 0 /* not 0 while start.c does */

    .bss
    .balign 4096
    .globl page_table_root39
page_table_root39:
    .skip 4096
    .globl boot_table_last
boot_table_last:
    .skip 4096
    .balign 16
    .skip 16384
boot_stack_top:

    .section .note.GNU-stack, "", @progbits
