/*
 * How entry code pushes and pops a trap_frame_t. For assembly, which is why nothing may format it as C.
 */
#ifndef X86_64_TRAP_MACROS_H
#define X86_64_TRAP_MACROS_H

#define FRAME_VECTOR 120
#define FRAME_RIP    136
#define FRAME_CS     144
#define FRAME_RFLAGS 152
#define FRAME_RSP    160
#define FRAME_WORDS  22
#define FRAME_BYTES  176

/* clang-format off */
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

    /* A gate leaves AC as user code had it, and AC opens user pages to the kernel (Intel SDM vol. 3, 4.6.1). */
    .macro CLEAR_AC
    cmpb $0, processor_has_smap(%rip)
    je 9f
    clac
9:
    .endm
/* clang-format on */

#endif
