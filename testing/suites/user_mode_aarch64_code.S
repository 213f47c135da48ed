/*
 * User code of user_mode_aarch64_properties.c. Each piece is copied to a page of its own and runs from its start.
 */
    .section .rodata.aarch64_code, "a", %progbits
    .balign 8

/* A call at once, with whatever the registers had. */
    .globl aarch64_code_call
aarch64_code_call:
    svc #0
    b aarch64_code_call

/* Instructions that a CPU may have or not, and that some have a hypervisor asked for. One each, and a call. */
    .globl aarch64_code_perhaps
aarch64_code_perhaps:
    .macro PERHAPS instruction:vararg
    \instruction
    svc #0
    .endm
    PERHAPS .inst 0x9ac23020            /* pacga x0, x1, x2 */
    PERHAPS .inst 0xdac10020            /* pacia x0, x1 */
    PERHAPS .inst 0xdac143e0            /* xpaci x0 */
    PERHAPS .inst 0xd503233f            /* paciasp */
    PERHAPS .inst 0xf83f9001            /* st64b x0, [x0] */
    PERHAPS .inst 0xd9200801            /* stg x1, [x0] */
    PERHAPS mrs x0, s3_3_c13_c0_5       /* TPIDR2_EL0 */
    PERHAPS mrs x0, s3_3_c13_c0_7       /* SCXTNUM_EL0 */
    PERHAPS mrs x0, s3_3_c2_c4_0        /* RNDR */
    PERHAPS mrs x0, s3_3_c13_c2_0       /* AMCR_EL0 */
    PERHAPS mrs x0, s3_3_c10_c2_4       /* POR_EL0 */
    PERHAPS mrs x0, s3_3_c4_c2_5        /* DIT */
    PERHAPS mrs x0, s3_3_c4_c2_6        /* SSBS */
    PERHAPS mrs x0, s3_3_c11_c0_0       /* the implementation's own */
    PERHAPS mrs x0, dczid_el0
    PERHAPS mrs x0, ctr_el0
    PERHAPS wfe
    PERHAPS sevl
    PERHAPS yield
    PERHAPS dc cvac, x0
    PERHAPS dc civac, x0
    PERHAPS ic ivau, x0
    .globl aarch64_code_perhaps_end
aarch64_code_perhaps_end:

/* Two registers that only the system can clear, into x9 and x10; then its own is set to x0. */
    .globl aarch64_code_thread
aarch64_code_thread:
    mrs x9, tpidr_el0
    mrs x10, tpidrro_el0
    msr tpidr_el0, x0
    svc #0
    b aarch64_code_thread

/* Reads where x0 points, writes there, goes there. */
    .globl aarch64_code_read
aarch64_code_read:
    ldr x1, [x0]
    svc #0
    .globl aarch64_code_write
aarch64_code_write:
    str x1, [x0]
    svc #0
    .globl aarch64_code_go
aarch64_code_go:
    br x0

/* Until it is interrupted. */
    .globl aarch64_code_spin
aarch64_code_spin:
    add x0, x0, #1
    b aarch64_code_spin

/* Writes the instruction in x1 over the one at x0, makes it code, and runs it: a call. x2 shows that it ran. */
    .globl aarch64_code_write_code
aarch64_code_write_code:
    str w1, [x0]
    dc cvau, x0
    dsb ish
    ic ivau, x0
    dsb ish
    isb
    mov x2, #0
    blr x0
    svc #0
    .globl aarch64_code_end
aarch64_code_end:

    .section .note.GNU-stack, "", %progbits
