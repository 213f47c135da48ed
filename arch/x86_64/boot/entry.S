/*
 * The first instructions: from what a bootloader leaves (32-bit protected mode, no paging) to 64-bit C in the higher
 * half.
 *
 *   GRUB          Multiboot2 specification 2.0, 3.1 header, 3.3 machine state: EAX magic, EBX boot information
 *   QEMU -kernel  PVH: an ELF note names the entry; EBX is struct hvm_start_info (Xen, docs/misc/pvh.pandoc)
 *
 * Both load the ELF segments, clear .bss and jump here. These sections are linked at their physical address; everything
 * else is at ADDRESS_IMAGE, so 32-bit code names it as `symbol - ADDRESS_IMAGE`.
 *
 * The page tables made here map the first 4 GiB three times, in 2 MiB pages: one to one, at the direct map, and (its
 * first GiB) at the image. page_table.c turns them into the real ones and takes the one-to-one map away.
 */
#include "address_map.h"

#define MULTIBOOT2_HEADER_MAGIC 0xe85250d6
#define MULTIBOOT2_BOOT_MAGIC   0x36d76289
#define NOTE_PHYS32_ENTRY       18

#define PROTOCOL_UNKNOWN    0
#define PROTOCOL_MULTIBOOT2 1
#define PROTOCOL_PVH        2

#define ENTRY_PRESENT_WRITABLE 0x3
#define ENTRY_LARGE            0x80

#define PHYSICAL(symbol) (symbol - ADDRESS_IMAGE)

    .section .boot.header, "a", @progbits
    .balign 8
multiboot2_header:
    .long MULTIBOOT2_HEADER_MAGIC
    .long 0 /* architecture: i386 protected mode */
    .long multiboot2_header_end - multiboot2_header
    .long 0x100000000 - (MULTIBOOT2_HEADER_MAGIC + (multiboot2_header_end - multiboot2_header))
    .balign 8
    .short 6, 0 /* tag: modules are to be page-aligned */
    .long 8
    .balign 8
    .short 0, 0 /* end of tags */
    .long 8
multiboot2_header_end:

    .section .note.pvh, "a", @note
    .balign 4
    .long 4 /* length of the name */
    .long 4 /* length of the value */
    .long NOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long boot_pvh

    .section .boot.text, "ax", @progbits
    .code32

    .globl boot_multiboot2
boot_multiboot2:
    xorl %edi, %edi
    cmpl $MULTIBOOT2_BOOT_MAGIC, %eax
    jne boot_common
    movl $PROTOCOL_MULTIBOOT2, %edi
    jmp boot_common

boot_pvh:
    movl $PROTOCOL_PVH, %edi

/* EDI: protocol, ESI: its data; both survive to boot_start(). */
boot_common:
    cli
    cld
    movl %ebx, %esi
    movl $PHYSICAL(boot_stack_top), %esp

    /* A CPU has CPUID when the ID flag can be changed (Intel SDM vol. 1, 20.1). */
    pushfl
    popl %eax
    movl %eax, %ecx
    xorl $(1 << 21), %eax
    pushl %eax
    popfl
    pushfl
    popl %eax
    cmpl %eax, %ecx
    je boot_no_long_mode

    /* Long mode is bit 29 of the extended features, no-execute bit 20 (Intel SDM vol. 2, CPUID). */
    movl $0x80000000, %eax
    cpuid
    cmpl $0x80000001, %eax
    jb boot_no_long_mode
    movl $0x80000001, %eax
    cpuid
    testl $(1 << 29), %edx
    jz boot_no_long_mode
    movl %edx, %ebp

    /* PML4: one to one, direct map, image. */
    movl $PHYSICAL(boot_table_low) + ENTRY_PRESENT_WRITABLE, %eax
    movl %eax, PHYSICAL(page_table_root)
    movl %eax, PHYSICAL(page_table_root) + 256 * 8
    movl $PHYSICAL(boot_table_high) + ENTRY_PRESENT_WRITABLE, PHYSICAL(page_table_root) + 511 * 8

    /* Page-directory pointers: four directories below, the first of them again for the image. */
    movl $PHYSICAL(boot_table_directories) + ENTRY_PRESENT_WRITABLE, %eax
    movl %eax, PHYSICAL(boot_table_high) + 510 * 8
    movl $PHYSICAL(boot_table_low), %edx
    movl $4, %ecx
1:  movl %eax, (%edx)
    addl $4096, %eax
    addl $8, %edx
    decl %ecx
    jnz 1b

    /* The directories: 2048 pages of 2 MiB. */
    movl $(ENTRY_PRESENT_WRITABLE + ENTRY_LARGE), %eax
    movl $PHYSICAL(boot_table_directories), %edx
    movl $2048, %ecx
1:  movl %eax, (%edx)
    addl $0x200000, %eax
    addl $8, %edx
    decl %ecx
    jnz 1b

    /* Into long mode: PAE, tables, LME (and NXE when offered), paging (Intel SDM vol. 3, 10.8.5). */
    movl %cr4, %eax
    orl $(1 << 5), %eax
    movl %eax, %cr4
    movl $PHYSICAL(page_table_root), %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    rdmsr
    orl $(1 << 8), %eax
    testl $(1 << 20), %ebp
    jz 1f
    orl $(1 << 11), %eax
1:  wrmsr
    movl %cr0, %eax
    andl $~(0x60000000), %eax /* caches on: neither CD nor NW */
    orl $0x80010001, %eax     /* paging, write protect, protection enable */
    movl %eax, %cr0
    lgdt boot_gdt_pointer
    ljmp $SELECTOR_KERNEL_CODE, $boot_long_mode

/* A 32-bit CPU: say so on the serial line, within bounded waits, end an emulator that can be ended, and stop. */
boot_no_long_mode:
    movl $boot_no_long_mode_text, %esi
2:  movl $0x100000, %ecx
    movw $0x3fd, %dx
1:  inb %dx, %al
    testb $0x20, %al
    jnz 1f
    decl %ecx
    jnz 1b
1:  lodsb
    testb %al, %al
    jz 1f
    movw $0x3f8, %dx
    outb %al, %dx
    jmp 2b
1:  movb $1, %al
    movw $0xf4, %dx
    outb %al, %dx
1:  cli
    hlt
    jmp 1b

boot_no_long_mode_text:
    .asciz "\r\nThis CPU has no 64-bit mode, which this kernel needs.\r\n"

    .code64
boot_long_mode:
    movl $SELECTOR_KERNEL_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movq $boot_stack_top, %rsp
    xorl %ebp, %ebp
    movl %edi, %edi
    movl %esi, %esi
    movabsq $boot_start, %rax
    call *%rax
1:  cli
    hlt
    jmp 1b

    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff /* code: present, ring 0, 64-bit */
    .quad 0x00cf93000000ffff /* data: present, ring 0, writable */
boot_gdt_end:
    .balign 8
    .short 0
boot_gdt_pointer:
    .short boot_gdt_end - boot_gdt - 1
    .long boot_gdt

/*
 * void boot_leave(const boot_handoff_t *handoff, uintptr_t stack_top): kernel_main(handoff) on the real stack. The zero
 * frame pointer and return address end every backtrace.
 */
    .text
    .globl boot_leave
    .type boot_leave, @function
boot_leave:
    movq %rsi, %rsp
    xorl %ebp, %ebp
    pushq $0
    pushq $0
    call kernel_main
1:  cli
    hlt
    jmp 1b
    .size boot_leave, . - boot_leave

    .bss
    .balign 4096
    .globl page_table_root
page_table_root:
    .skip 4096
    .globl boot_table_low
boot_table_low:
    .skip 4096
    .globl boot_table_high
boot_table_high:
    .skip 4096
boot_table_directories:
    .skip 4 * 4096
boot_stack:
    .skip 2 * 4096
boot_stack_top:

    .section .note.GNU-stack, "", @progbits
