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
