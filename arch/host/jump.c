/*
 * The host's non-local jump: the registers that the System V ABI has callees preserve (AMD64 supplement 1.0, section
 * 3.2.1).
 *
 * Written out rather than called through the C library, whose longjmp refuses to leave a signal handler under some
 * sanitizers.
 */
#include "arch/jump.h"

#if defined(__x86_64__)
__asm__(".text\n"
        ".globl jump_save\n"
        ".type jump_save, @function\n"
        "jump_save:\n"
        "    movq %rbx, 0(%rdi)\n"
        "    movq %rbp, 8(%rdi)\n"
        "    movq %r12, 16(%rdi)\n"
        "    movq %r13, 24(%rdi)\n"
        "    movq %r14, 32(%rdi)\n"
        "    movq %r15, 40(%rdi)\n"
        "    leaq 8(%rsp), %rdx\n"
        "    movq %rdx, 48(%rdi)\n"
        "    movq (%rsp), %rdx\n"
        "    movq %rdx, 56(%rdi)\n"
        "    xorl %eax, %eax\n"
        "    ret\n"
        ".size jump_save, . - jump_save\n"
        ".globl jump_restore_registers\n"
        ".type jump_restore_registers, @function\n"
        "jump_restore_registers:\n"
        "    movq 0(%rdi), %rbx\n"
        "    movq 8(%rdi), %rbp\n"
        "    movq 16(%rdi), %r12\n"
        "    movq 24(%rdi), %r13\n"
        "    movq 32(%rdi), %r14\n"
        "    movq 40(%rdi), %r15\n"
        "    movq 48(%rdi), %rsp\n"
        "    movl $1, %eax\n"
        "    jmpq *56(%rdi)\n"
        ".size jump_restore_registers, . - jump_restore_registers\n");
#else
#error "arch/host/jump.c knows no registers of this machine"
#endif

NORETURN void jump_restore_registers(jump_buffer_t *buffer);

/* AddressSanitizer marks the frames that a jump leaves behind; it must be told that they are gone. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
void __asan_handle_no_return(void);
#define LEAVE_FRAMES() __asan_handle_no_return()
#endif
#endif
#ifndef LEAVE_FRAMES
#define LEAVE_FRAMES() ((void)0)
#endif

void jump_restore(jump_buffer_t *buffer)
{
    LEAVE_FRAMES();
    jump_restore_registers(buffer);
}
