/*
 * Entry and return of exceptions and interrupts (Intel SDM vol. 3, 6.12 and 6.14).
 *
 * One entry of 16 bytes for each vector pushes a zero where the CPU pushed no error code, then the vector, and goes to
 * one of two tails:
 *
 *   trap_ordinary   GS base is the user's exactly if the interrupted code ran in user mode, so CS decides about SWAPGS,
 *                   and whether it ends in user_leave (user_entry.S) instead of a return
 *   trap_anywhere   debug, NMI, double fault, machine check: may strike between a SYSCALL and its SWAPGS, so GS base
 *                   itself is asked; the kernel's is in the upper half. They have stacks of their own.
 *
 * Both push the registers (trap_frame.h), then a frame record of the interrupted code, so that backtraces go on through
 * it.
 */
#include "address_map.h"
#include "trap_macros.h"

#define MSR_GS_BASE 0xc0000101

/* Bits 8, 10 to 14, 17, 21, 29 and 30 (Intel SDM vol. 3, table 6-1; AMD APM vol. 2, 8.2 for the last two). */
#define VECTORS_WITH_ERROR_CODE 0x60227d00

    /*
     * Calls the C function with the frame's address. The frame is 22 words and the record two: the stack stays
     * 16-aligned.
     */
    .macro CALL_WITH_FRAME function
    movq %rsp, %rdi
    pushq FRAME_RIP(%rdi)
    pushq %rbp
    movq %rsp, %rbp
    call \function
    addq $16, %rsp
    .endm

    .text
    .balign 16
    .globl trap_entries
trap_entries:
    .set vector, 0
    .rept 256
    .balign 16
    .if (vector >= 32) || (((VECTORS_WITH_ERROR_CODE >> vector) & 1) == 0)
    pushq $0
    .endif
    pushq $vector
    .if (vector == 1) || (vector == 2) || (vector == 8) || (vector == 18)
    jmp trap_anywhere
    .else
    jmp trap_ordinary
    .endif
    .set vector, vector + 1
    .endr
    .balign 16

    .type trap_ordinary, @function
trap_ordinary:
    PUSH_REGISTERS
    testb $3, FRAME_CS(%rsp)
    jnz trap_from_user
    cmpq $32, FRAME_VECTOR(%rsp)
    jae 1f
    CALL_WITH_FRAME exception_dispatch
    jmp 2f
1:  CALL_WITH_FRAME interrupt_dispatch
2:  POP_REGISTERS
    iretq
    .size trap_ordinary, . - trap_ordinary

/* What user code did is user_run()'s to tell; an interrupt is served first, as ever. */
    .type trap_from_user, @function
trap_from_user:
    swapgs
    CLEAR_AC
    cmpq $32, FRAME_VECTOR(%rsp)
    jb user_leave
    CALL_WITH_FRAME interrupt_dispatch
    jmp user_leave
    .size trap_from_user, . - trap_from_user

    .type trap_anywhere, @function
trap_anywhere:
    PUSH_REGISTERS
    CLEAR_AC
    testb $3, FRAME_CS(%rsp)
    jz 1f
    cmpq $1, FRAME_VECTOR(%rsp)
    je trap_from_user /* a user's single step */
1:  xorl %ebx, %ebx /* preserved by the call: whether GS was swapped */
    movl $MSR_GS_BASE, %ecx
    rdmsr
    testl %edx, %edx
    js 1f
    swapgs
    movl $1, %ebx
1:  CALL_WITH_FRAME exception_dispatch
    testl %ebx, %ebx
    jz 2f
    swapgs
2:  POP_REGISTERS
    iretq
    .size trap_anywhere, . - trap_anywhere

    .section .note.GNU-stack, "", @progbits
