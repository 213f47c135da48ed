/*
 * User page tables beyond arch/shared/user_page_table.c: code that was written as data.
 */
#ifndef RISCV64_USER_TABLE_H
#define RISCV64_USER_TABLE_H

/*
 * Before user mode is entered: has this CPU fetch instructions anew if any became executable since it last did. Interrupts
 * are masked.
 */
void user_table_fetch_new_code(void);

#endif
