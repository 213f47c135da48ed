/*
 * A user program's first instruction, and its system calls: number in A7, arguments in A0 to A5, the result in A0.
 */
    .section .text._start, "ax", @progbits
    .globl _start
    .type _start, @function
_start:
    mv s0, zero /* the outermost frame */
    mv ra, zero
    call quarry_start
    ebreak
    .size _start, . - _start

    .section .text.quarry_call, "ax", @progbits
    .globl quarry_call
    .type quarry_call, @function
quarry_call:
    mv a7, a0
    mv a0, a1
    mv a1, a2
    mv a2, a3
    mv a3, a4
    mv a4, a5
    mv a5, a6
    ecall
    ret
    .size quarry_call, . - quarry_call

    .section .note.GNU-stack, "", @progbits
