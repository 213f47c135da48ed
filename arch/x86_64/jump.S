/*
 * jump_save and jump_restore: the registers that a callee must preserve (SysV ABI for x86-64, 3.2.1), and the way back.
 *
 *   words   0    1    2    3    4    5    6    7
 *           rbx  rbp  r12  r13  r14  r15  rsp  return address
 */
    .text

    .globl jump_save
    .type jump_save, @function
jump_save:
    movq %rbx, 0(%rdi)
    movq %rbp, 8(%rdi)
    movq %r12, 16(%rdi)
    movq %r13, 24(%rdi)
    movq %r14, 32(%rdi)
    movq %r15, 40(%rdi)
    leaq 8(%rsp), %rax /* the stack pointer as it is after the return */
    movq %rax, 48(%rdi)
    movq (%rsp), %rax
    movq %rax, 56(%rdi)
    xorl %eax, %eax
    ret
    .size jump_save, . - jump_save

    .globl jump_restore
    .type jump_restore, @function
jump_restore:
    movq 0(%rdi), %rbx
    movq 8(%rdi), %rbp
    movq 16(%rdi), %r12
    movq 24(%rdi), %r13
    movq 32(%rdi), %r14
    movq 40(%rdi), %r15
    movq 48(%rdi), %rsp
    movl $1, %eax
    jmpq *56(%rdi)
    .size jump_restore, . - jump_restore

    .section .note.GNU-stack, "", @progbits
