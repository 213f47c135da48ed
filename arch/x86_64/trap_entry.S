/*
 * Entry and return of exceptions and interrupts (Intel SDM vol. 3, 6.12 and 6.14).
 *
 * One entry of 16 bytes for each vector pushes a zero where the CPU pushed no error code, then the vector, and goes to
 * one of two tails:
 *
 *   trap_ordinary   GS base is the user's exactly if the interrupted code ran in user mode, so CS decides about SWAPGS
 *   trap_anywhere   debug, NMI, double fault, machine check: may strike between a SYSCALL and its SWAPGS, so GS base
 *                   itself is asked; the kernel's is in the upper half. They have stacks of their own.
 *
 * Both push the registers (trap_frame.h), then a frame record of the interrupted code, so that backtraces go on through
 * it.
 */
#include "address_map.h"

#define FRAME_RBP    80
#define FRAME_VECTOR 120
#define FRAME_RIP    136
#define FRAME_CS     144

#define MSR_GS_BASE 0xc0000101

/* Bits 8, 10 to 14, 17, 21, 29 and 30 (Intel SDM vol. 3, table 6-1; AMD APM vol. 2, 8.2 for the last two). */
#define VECTORS_WITH_ERROR_CODE 0x60227d00

    .macro PUSH_REGISTERS
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rbx
    pushq %rbp
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    cld /* an interrupt gate leaves the direction flag as it was; the ABI wants it clear */
    .endm

    .macro POP_REGISTERS
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rbp
    popq %rbx
    popq %rdx
    popq %rcx
    popq %rax
    addq $16, %rsp /* vector and error code */
    .endm

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
    jz 1f
    swapgs
1:  cmpq $32, FRAME_VECTOR(%rsp)
    jae 2f
    CALL_WITH_FRAME exception_dispatch
    jmp 3f
2:  CALL_WITH_FRAME interrupt_dispatch
3:  testb $3, FRAME_CS(%rsp)
    jz 4f
    swapgs
4:  POP_REGISTERS
    iretq
    .size trap_ordinary, . - trap_ordinary

    .type trap_anywhere, @function
trap_anywhere:
    PUSH_REGISTERS
    xorl %ebx, %ebx /* preserved by the call: whether GS was swapped */
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
