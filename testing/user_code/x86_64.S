/*
 * Programs for user mode on x86_64; user_code.h says what each does.
 *
 * System calls: RAX is the number and then the result; RDI, RSI, RDX, R10, R8, R9 are arguments; RCX and R11 are lost.
 */
#include "testing/user_code/user_code.h"

    .section .rodata.user_code, "a", @progbits
    .balign 16
    .globl user_code_start
user_code_start:

    .globl user_code_load
    .globl user_code_load_access
user_code_load:
user_code_load_access:
    movzbl (%rdi), %esi
    movl $USER_CODE_DONE, %eax
    syscall
    ud2

    .globl user_code_store
    .globl user_code_store_access
user_code_store:
user_code_store_access:
    movb $USER_CODE_STORED, (%rdi)
    xorl %esi, %esi
    movl $USER_CODE_DONE, %eax
    syscall
    ud2

    .globl user_code_execute
user_code_execute:
    movl $USER_CODE_DONE, %eax
    jmpq *%rdi

    .globl user_code_landing
user_code_landing:
    syscall
    ud2
    .globl user_code_landing_end
user_code_landing_end:

    .globl user_code_spin
user_code_spin:
    jmp user_code_spin

    .globl user_code_calls
user_code_calls:
    movl $USER_CODE_DONE, %eax
    syscall
    jmp user_code_calls

    .globl user_code_arguments
user_code_arguments:
    movq %rdi, %rax
    leaq 1(%rax), %rdi
    leaq 2(%rax), %rsi
    leaq 3(%rax), %rdx
    leaq 4(%rax), %r10
    leaq 5(%rax), %r8
    leaq 6(%rax), %r9
    syscall
    movq %rax, %rdi
    movl $USER_CODE_DONE, %eax
    syscall
    ud2

    /* Holds `register` against RAX + `number` and leaves it as it was. */
    .macro EXPECT register, number
    leaq -\number(%\register), %\register
    cmpq %rax, %\register
    jne 9f
    leaq \number(%\register), %\register
    .endm

    .globl user_code_registers
user_code_registers:
    movq %rdi, %rax
    leaq 1(%rax), %rbx
    leaq 2(%rax), %rdx
    leaq 3(%rax), %rsi
    leaq 4(%rax), %rdi
    leaq 5(%rax), %rbp
    leaq 6(%rax), %r8
    leaq 7(%rax), %r9
    leaq 8(%rax), %r10
    leaq 9(%rax), %r12
    leaq 10(%rax), %r13
    leaq 11(%rax), %r14
    leaq 12(%rax), %rsp
1:  leaq 13(%rax), %rcx
    leaq 14(%rax), %r11
    movl $1000, %r15d
2:  EXPECT rbx, 1
    EXPECT rdx, 2
    EXPECT rsi, 3
    EXPECT rdi, 4
    EXPECT rbp, 5
    EXPECT r8, 6
    EXPECT r9, 7
    EXPECT r10, 8
    EXPECT r12, 9
    EXPECT r13, 10
    EXPECT r14, 11
    EXPECT rsp, 12
    EXPECT rcx, 13
    EXPECT r11, 14
    decl %r15d
    jnz 2b
    movl $USER_CODE_ROUND, %eax
    syscall
    jmp 1b
9:  movl $USER_CODE_WRONG, %eax
    syscall
    ud2

/* ---- forbidden: the culprit is the last instruction before its UD2 ---- */

    /* A program without preparation. */
    .macro FORBIDDEN name, instruction:vararg
forbidden_\name:
culprit_\name:
    \instruction
    ud2
    .endm

    FORBIDDEN cli, cli
    FORBIDDEN sti, sti
    FORBIDDEN hlt, hlt
    FORBIDDEN in, inb $0x40, %al
    FORBIDDEN out, outb %al, $0x80
    FORBIDDEN lgdt, lgdt -16(%rsp)
    FORBIDDEN lidt, lidt -16(%rsp)
    FORBIDDEN lldt, lldt %ax
    FORBIDDEN ltr, ltr %ax
    FORBIDDEN lmsw, lmsw %ax
    FORBIDDEN read_cr0, movq %cr0, %rax
    FORBIDDEN read_cr3, movq %cr3, %rax
    FORBIDDEN write_cr3, movq %rax, %cr3
    FORBIDDEN write_cr4, movq %rax, %cr4
    FORBIDDEN write_cr8, movq %rax, %cr8
    FORBIDDEN read_dr7, movq %dr7, %rax
    FORBIDDEN write_dr7, movq %rax, %dr7
    FORBIDDEN rdmsr, rdmsr
    FORBIDDEN wrmsr, wrmsr
    FORBIDDEN invlpg, invlpg -16(%rsp)
    FORBIDDEN invd, invd
    FORBIDDEN wbinvd, wbinvd
    FORBIDDEN clts, clts
    FORBIDDEN swapgs, swapgs
    FORBIDDEN sysretq, sysretq
    FORBIDDEN sysenter, sysenter
    FORBIDDEN clac, clac
    FORBIDDEN stac, stac
    FORBIDDEN rdtsc, rdtsc
    FORBIDDEN rdtscp, rdtscp
    FORBIDDEN rdpmc, rdpmc
    FORBIDDEN xgetbv, xgetbv
    FORBIDDEN wrfsbase, wrfsbase %rax
    FORBIDDEN wrgsbase, wrgsbase %rax
    FORBIDDEN monitor, monitor
    FORBIDDEN umip_sgdt, sgdt -16(%rsp)
    FORBIDDEN umip_sidt, sidt -16(%rsp)
    FORBIDDEN umip_sldt, sldt %eax
    FORBIDDEN umip_str, str %eax
    FORBIDDEN umip_smsw, smsw %eax
    FORBIDDEN int_timer, int $0x40
    FORBIDDEN int_page_fault, int $14
    FORBIDDEN int_nmi, int $2
    FORBIDDEN int_0x80, int $0x80
    FORBIDDEN undefined, ud2
    FORBIDDEN x87, fld1
    FORBIDDEN wait, fwait
    FORBIDDEN mmx, movq %mm0, %mm1
    FORBIDDEN sse, movaps %xmm0, %xmm1
    FORBIDDEN avx, vzeroupper

forbidden_not_canonical:
    movabsq $0x8000000000000000, %rax
culprit_not_canonical:
    movb %al, (%rax)
    ud2

forbidden_kernel_data:
    movl $0x10, %eax
culprit_kernel_data:
    movl %eax, %ds
    ud2

forbidden_task_state:
    movl $0x28, %eax
culprit_task_state:
    movl %eax, %fs
    ud2

forbidden_kernel_code:
    pushq $0x08
    pushq $0x1000
culprit_kernel_code:
    lretq
    ud2

forbidden_iret_to_kernel:
    pushq $0x10
    pushq $0x1000
    pushq $0x3002
    pushq $0x08
    pushq $0x1000
culprit_iret_to_kernel:
    iretq
    ud2

    /* One step, and the trap comes at the instruction behind it. */
forbidden_step:
    pushq $0x302
    popfq
    nop
culprit_step:
    ud2

    /* SYSCALL masks the flag before the step is looked at, and SYSRET brings it back before it is. */
forbidden_step_call:
    movl $USER_CODE_DONE, %eax
    pushq $0x302
    popfq
    syscall
culprit_step_call:
    ud2

/* ---- odd: flags that a kernel must not go on with; then a call, and a wait for an interrupt ---- */

    .macro ODD name, flags
odd_\name:
    pushq $\flags
    popfq
    movl $USER_CODE_DONE, %eax
    syscall
    pushq $\flags
    popfq
1:  jmp 1b
    .endm

    ODD direction, 0x602
    ODD alignment, 0x40202
    ODD nested, 0x4202
    ODD all, 0x244ed7 /* all but TF, and VM, RF, VIF, VIP, which are not for POPF */

odd_segments:
    movl $0x1b, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movl $USER_CODE_DONE, %eax
    syscall
    movl %ds, %eax
    cmpl $0x1b, %eax
    jne 2f
    movl %gs, %eax
    cmpl $0x1b, %eax
    jne 2f
1:  jmp 1b
2:  ud2

    .globl user_code_end
user_code_end:

    .section .rodata.user_code_tables, "a", @progbits
    .balign 8
    .globl user_code_forbidden
user_code_forbidden:
    .macro ROW name
    .quad forbidden_\name, culprit_\name, 3f
    .pushsection .rodata.user_code_names, "a", @progbits
3:  .asciz "\name"
    .popsection
    .endm
    .irp name, cli, sti, hlt, in, out, lgdt, lidt, lldt, ltr, lmsw, read_cr0, read_cr3, write_cr3, write_cr4, write_cr8
    ROW \name
    .endr
    .irp name, read_dr7, write_dr7, rdmsr, wrmsr, invlpg, invd, wbinvd, clts, swapgs, sysretq, sysenter, clac, stac
    ROW \name
    .endr
    .irp name, rdtsc, rdtscp, rdpmc, xgetbv, wrfsbase, wrgsbase, monitor, umip_sgdt, umip_sidt, umip_sldt, int_timer
    ROW \name
    .endr
    .irp name, int_page_fault, int_nmi, int_0x80, undefined, x87, wait, mmx, sse, avx, not_canonical, kernel_data
    ROW \name
    .endr
    .irp name, umip_str, umip_smsw, task_state, kernel_code, iret_to_kernel, step, step_call
    ROW \name
    .endr
user_code_forbidden_end:
    .globl user_code_forbidden_count
user_code_forbidden_count:
    .quad (user_code_forbidden_end - user_code_forbidden) / 24

    .globl user_code_odd
user_code_odd:
    .quad odd_direction, odd_alignment, odd_nested, odd_all, odd_segments
user_code_odd_end:
    .globl user_code_odd_count
user_code_odd_count:
    .quad (user_code_odd_end - user_code_odd) / 8

    .section .note.GNU-stack, "", @progbits
