/*
 * Two user page tables, as two processes have them, that map frames from one pool into a small window, with a row a page
 * that says what each should allow.
 */
#ifndef TESTING_MODELS_USER_TABLES_H
#define TESTING_MODELS_USER_TABLES_H

#include "arch/user_page_table.h"
#include "testing/models/user_access.h"
#include "testing/property/property.h"

#define USER_TABLES_PAGES  24u /* of the window */
#define USER_TABLES_FRAMES 8u
#define USER_TABLES_COUNT  2u
#define USER_TABLES_MAX    24u

/* A frame's cells: 8 bytes that may be executed, 8 that may be stored to. */
#define USER_TABLES_CELL 16u

typedef struct user_row {
    bool is_mapped;
    unsigned frame;
    page_access_t access;
} user_row_t;

typedef struct user_tables {
    property_run_t *run;
    uintptr_t start; /* the window's first address */
    user_page_table_t tables[USER_TABLES_COUNT];
    size_t tables_open;
    user_row_t rows[USER_TABLES_COUNT][USER_TABLES_PAGES];
    void *pages[USER_TABLES_MAX]; /* that tables are made of */
    size_t page_count;
    unsigned char *code;
    unsigned char *frames[USER_TABLES_FRAMES];
} user_tables_t;

/*
 * Makes both tables, which map nothing but user_access_try()'s code, with the window somewhere in user space. When the
 * property is over, all CPUs leave them and everything goes back. CPU 0.
 */
user_tables_t *user_tables_open(property_run_t *run);

/* The source of tables for user_page_table_map() and the like; `context` is the user_tables_t. */
void *user_tables_take(void *context);

/* The address of a page of the window. */
static inline uintptr_t user_tables_address(const user_tables_t *world, size_t page)
{
    return world->start + page * PAGE_SIZE;
}

/*
 * Makes one access in the active table, the one given, and holds what comes of it against the page's row. Any CPU.
 */
void user_tables_expect(const user_tables_t *world, unsigned table, size_t page, page_access_t kind, uint64_t offset);

#endif
