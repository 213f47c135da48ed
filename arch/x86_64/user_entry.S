/*
 * To user mode and back (Intel SDM vol. 3, 5.8.8; vol. 2, SYSCALL, SYSRET).
 *
 * user_enter() notes its stack pointer and the thread's frame in the processor's structure, and leaves for user mode.
 * All ways back store the user's registers in that frame, take the noted stack, and return from user_enter():
 *
 *   SYSCALL                 user_call_entry, below: pushes straight into the frame
 *   exceptions, interrupts  trap_entry.S: user_leave copies the frame from the stack that the CPU chose
 *
 * Interrupts stay masked throughout. Where RSP or GS base is the user's in kernel mode, only what has a stack of its own
 * and looks at GS base can strike (trap_entry.S, trap_anywhere).
 *
 * SYSRET with a non-canonical RIP faults in kernel mode on the user's stack on some CPUs: user_run() lets none through,
 * and behind a SYSCALL in user space there is only user space.
 */
#include "address_map.h"
#include "trap_macros.h"
#include "user_frame.h"

    .text
    .globl user_enter
    .type user_enter, @function
user_enter:
    pushq %rbp
    movq %rsp, %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rdi, %gs:PROCESSOR_USER_FRAME
    movq %rsp, %gs:PROCESSOR_KERNEL_STACK
    movq %rsp, %gs:PROCESSOR_TRAP_STACK
    movw USER_FRAME_DS(%rdi), %ds
    movw USER_FRAME_ES(%rdi), %es
    movw USER_FRAME_FS(%rdi), %fs
    swapgs
    movw USER_FRAME_GS(%rdi), %gs /* makes the base 0 */
    movq %rdi, %rsp
    cmpq $VECTOR_SYSCALL, FRAME_VECTOR(%rsp)
    je 1f
    POP_REGISTERS
    iretq
1:  POP_REGISTERS
    movq (FRAME_RFLAGS - FRAME_RIP)(%rsp), %r11
    movq (%rsp), %rcx
    movq (FRAME_RSP - FRAME_RIP)(%rsp), %rsp
    sysretq
    .size user_enter, . - user_enter

    .globl user_call_entry
    .type user_call_entry, @function
user_call_entry:
    swapgs
    movq %rsp, %gs:PROCESSOR_USER_STACK
    movq %gs:PROCESSOR_USER_FRAME, %rsp
    leaq FRAME_BYTES(%rsp), %rsp
    pushq $SELECTOR_USER_DATA
    pushq %gs:PROCESSOR_USER_STACK
    pushq %r11 /* flags */
    pushq $SELECTOR_USER_CODE
    pushq %rcx /* the instruction behind SYSCALL */
    pushq $0
    pushq $VECTOR_SYSCALL
    PUSH_REGISTERS
    movq %gs:PROCESSOR_KERNEL_STACK, %rsp
    jmp user_left
    .size user_call_entry, . - user_call_entry

/* From trap_entry.S: a trap frame from user mode on the stack, GS base the kernel's. */
    .globl user_leave
    .type user_leave, @function
user_leave:
    movq %rsp, %rsi
    movq %gs:PROCESSOR_USER_FRAME, %rdi
    movl $FRAME_WORDS, %ecx
    rep movsq
    movq %cr2, %rax
    movq %rax, (%rdi) /* the fault address comes next */
    movl $SELECTOR_KERNEL_DATA, %eax
    movl %eax, %ss /* null after a change of privilege */
    movq %gs:PROCESSOR_KERNEL_STACK, %rsp

user_left:
    movq %gs:PROCESSOR_USER_FRAME, %rdi
    movw %ds, USER_FRAME_DS(%rdi)
    movw %es, USER_FRAME_ES(%rdi)
    movw %fs, USER_FRAME_FS(%rdi)
    movw %gs, USER_FRAME_GS(%rdi)
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size user_leave, . - user_leave

    .section .note.GNU-stack, "", @progbits
