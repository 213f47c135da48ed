/*
 * The first instructions of a secondary CPU: from real mode at PHYSICAL_TRAMPOLINE to 64-bit code in the higher half.
 *
 * smp.c copies smp_trampoline_start..end to that page and fills in the two numbers at the end of it. Page tables that
 * map this page one to one, besides the kernel's half, let paging be switched on here; it is mapped read-only, so
 * nothing below writes to it. CR0.PE and CR0.PG are set at once, straight from real mode to long mode.
 */
#include "address_map.h"
#include "smp.h"

#define HERE(symbol)     (symbol - smp_trampoline_start)
#define PHYSICAL(symbol) (PHYSICAL_TRAMPOLINE + symbol - smp_trampoline_start)

    .section .rodata
    .balign 16
    .globl smp_trampoline_start
smp_trampoline_start:
    .code16
    /* A start-up message sets CS to the page and IP to 0 (Intel SDM vol. 3, 8.4.4.2). */
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    movl %cr4, %eax
    orl $(1 << 5), %eax /* PAE */
    movl %eax, %cr4
    movl HERE(smp_trampoline_root), %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx /* EFER: the boot CPU's, long mode enable in it */
    xorl %edx, %edx
    movl HERE(smp_trampoline_efer), %eax
    wrmsr
    lgdtl HERE(trampoline_gdt_pointer)
    movl $0x80010011, %eax /* paging, write protect, ET, protection enable; caches on */
    movl %eax, %cr0
    ljmpl $SELECTOR_KERNEL_CODE, $PHYSICAL(trampoline_long_mode)

    .code64
trampoline_long_mode:
    movl $SELECTOR_KERNEL_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movabsq $smp_secondary_entry, %rax
    jmpq *%rax

    .balign 8
trampoline_gdt:
    .quad 0
    .quad 0x00af9b000000ffff /* code: present, ring 0, 64-bit */
    .quad 0x00cf93000000ffff /* data: present, ring 0, writable */
trampoline_gdt_end:
    .short 0
trampoline_gdt_pointer:
    .short trampoline_gdt_end - trampoline_gdt - 1
    .long PHYSICAL(trampoline_gdt)

    .balign 4
    .globl smp_trampoline_root
smp_trampoline_root:
    .long 0
    .globl smp_trampoline_efer
smp_trampoline_efer:
    .long 0
    .globl smp_trampoline_end
smp_trampoline_end:

/* In the kernel's half: takes the offer or stops. Until it is taken there is no stack. */
    .text
    .type smp_secondary_entry, @function
smp_secondary_entry:
    movl $SMP_OFFER_OPEN, %eax
    movl $SMP_OFFER_TAKEN, %ecx
    lock cmpxchgl %ecx, smp_offer(%rip)
    jne 1f
    movq smp_offer_stack(%rip), %rsp
    movq smp_offer_processor(%rip), %rdi
    movq smp_offer_root(%rip), %rax
    movq %rax, %cr3
    xorl %ebp, %ebp
    pushq $0
    pushq $0
    call smp_secondary_start
1:  cli
    hlt
    jmp 1b
    .size smp_secondary_entry, . - smp_secondary_entry

    .section .note.GNU-stack, "", @progbits
