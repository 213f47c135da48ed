/*
 * A user program's first instruction, and its system calls: number in RAX, arguments in RDI, RSI, RDX, R10, R8, R9,
 * the result in RAX; SYSCALL itself overwrites RCX and R11.
 */
    .section .text._start, "ax", @progbits
    .globl _start
    .type _start, @function
_start:
    xorl %ebp, %ebp /* the outermost frame */
    andq $-16, %rsp
    call quarry_start
    ud2
    .size _start, . - _start

    .section .text.quarry_call, "ax", @progbits
    .globl quarry_call
    .type quarry_call, @function
quarry_call:
    movq %rdi, %rax
    movq %rsi, %rdi
    movq %rdx, %rsi
    movq %rcx, %rdx
    movq %r8, %r10
    movq %r9, %r8
    movq 8(%rsp), %r9
    syscall
    ret
    .size quarry_call, . - quarry_call

    .section .note.GNU-stack, "", @progbits
