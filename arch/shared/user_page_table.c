/*
 * The page table of a user address space, over radix_page_table.h.
 *
 * What can fail comes first: user_page_table_map() makes all tables that it will need before it writes a leaf. The
 * rest only rewrites entries that are there.
 */
#include "user_page_table.h"

#include "base/check.h"

#define LARGE_LEVEL 1

_Static_assert(USER_LARGE_PAGE_SIZE == UINT64_C(1) << (PAGE_SHIFT + RADIX_INDEX_BITS * LARGE_LEVEL),
               "a large page is a leaf of this level");

/* What a user's mapping may allow beyond being read; PAGE_ACCESS_USER goes without saying. */
#define USER_RIGHTS (PAGE_ACCESS_WRITE | PAGE_ACCESS_EXECUTE)
#define USER_WORDS  (USER_RIGHTS | PAGE_ACCESS_USER | PAGE_ACCESS_HIDDEN)

/*
 * What is written into the table: a hidden page is one of the kernel's, which user code can't use. It has no other right
 * left, or the kernel could be made to execute what a user wrote.
 */
static page_access_t full_access(page_access_t access)
{
    return (access & PAGE_ACCESS_HIDDEN) != 0 ? PAGE_ACCESS_READ : (access & USER_RIGHTS) | PAGE_ACCESS_USER;
}

static radix_table_t tree_of(const user_page_table_t *table)
{
    return (radix_table_t){user_table_format(), table->root, table->tag};
}

static void check_range(uintptr_t address, uintptr_t end)
{
    CHECK(((address | end) & PAGE_OFFSET_MASK) == 0 && address >= USER_SPACE_START && address <= end &&
              end <= USER_SPACE_END,
          "range outside of user space");
}

/* A leaf that is to be changed lies in the range as a whole. */
static void check_within(uintptr_t address, unsigned level, uintptr_t start, uintptr_t end)
{
    CHECK(address >= start && radix_span(level) <= end - address, "large page reaches out of the range");
}

status_t user_page_table_create(user_page_table_t *table, machine_page_source_t source, void *context)
{
    uint64_t *const root = source(context);

    if (root == NULL) {
        return STATUS_NO_MEMORY;
    }
    machine_zero_page(root);
    *table = (user_page_table_t){.root = root};
    user_table_adopt(table);
    return STATUS_OK;
}

void user_page_table_destroy(user_page_table_t *table, void (*release)(void *page, void *context), void *context)
{
    const radix_table_t tree = tree_of(table);

    user_table_retire(table);
    /* All of the root's entries for user space, the last of which may reach beyond it. */
    const uintptr_t end = align_up(USER_SPACE_END, radix_span(tree.format->levels - 1));
    radix_release(radix_unlink(&tree, 0, end), release, context);
    release(table->root, context);
    *table = (user_page_table_t){.root = NULL};
}

/* The level of the leaf that may start at `address`; `offset` leads from there to its physical address. */
static unsigned level_at(uintptr_t address, uint64_t offset, uintptr_t end)
{
    const bool is_large =
        ((address | (address + offset)) & (USER_LARGE_PAGE_SIZE - 1)) == 0 && end - address >= USER_LARGE_PAGE_SIZE;

    return is_large ? LARGE_LEVEL : 0;
}

/* Makes the tables that mapping [address, end) takes. */
static status_t make_tables(const radix_table_t *tree, uintptr_t address, uintptr_t end, uint64_t offset,
                            machine_page_source_t source, void *context)
{
    while (address < end) {
        const unsigned level = level_at(address, offset, end);
        const status_t status = radix_prepare(tree, address, level, source, context);
        if (status != STATUS_OK) {
            return status;
        }
        /* The table's other entries need no more, but for a last part that is too short for a large page. */
        const uintptr_t table_end = align_down(address, radix_span(level + 1)) + radix_span(level + 1);
        const uintptr_t level_end = level == 0 ? end : align_down(end, USER_LARGE_PAGE_SIZE);
        address = table_end < level_end ? table_end : level_end;
    }
    return STATUS_OK;
}

status_t user_page_table_map(user_page_table_t *table, uintptr_t address, physical_address_t physical, uint64_t size,
                             page_access_t access, machine_page_source_t source, void *context)
{
    const radix_table_t tree = tree_of(table);
    user_leaf_t leaf;

    check_range(address, address + size);
    CHECK((physical.value & PAGE_OFFSET_MASK) == 0, "physical address inside a page");
    CHECK((access & ~USER_WORDS) == 0, "rights that no user page has");
    CHECK(!user_page_table_next(table, address, address + size, &leaf), "user page mapped twice");

    status_t status = make_tables(&tree, address, address + size, physical.value - address, source, context);
    if (status == STATUS_OK) {
        if ((access & PAGE_ACCESS_EXECUTE) != 0) {
            user_table_write_code(table, physical, size);
        }
        /* Nothing is mapped there and all tables are: what is left can't fail. */
        status = radix_map(&tree, address, physical, size, full_access(access), source, context);
    }
    user_table_publish();
    return status;
}

status_t user_page_table_split(user_page_table_t *table, uintptr_t address, machine_page_source_t source, void *context)
{
    const radix_table_t tree = tree_of(table);

    check_range(address, address);
    const status_t status = radix_split(&tree, address, source, context);
    user_table_publish();
    return status;
}

typedef struct protect_walk {
    user_page_table_t *table;
    uintptr_t start;
    uintptr_t end;
    page_access_t access;
} protect_walk_t;

static bool protect_leaf(const radix_table_t *tree, uintptr_t address, uint64_t *entry, unsigned level, void *context)
{
    const protect_walk_t *const walk = context;
    const physical_address_t physical = radix_leaf_address(tree->format, *entry, level);

    check_within(address, level, walk->start, walk->end);
    if ((walk->access & ~tree->format->leaf_access(*entry) & PAGE_ACCESS_EXECUTE) != 0) {
        user_table_write_code(walk->table, physical, radix_span(level));
    }
    radix_set(tree, entry, tree->format->leaf_entry(physical, level, walk->access), address);
    return true;
}

void user_page_table_protect(user_page_table_t *table, uintptr_t address, uint64_t size, page_access_t access)
{
    const radix_table_t tree = tree_of(table);
    protect_walk_t walk = {.table = table, .start = address, .end = address + size, .access = full_access(access)};

    check_range(address, address + size);
    CHECK((access & ~USER_WORDS) == 0, "rights that no user page has");
    (void)radix_walk(&tree, address, address + size, protect_leaf, &walk);
    user_table_publish();
}

static user_leaf_t leaf_of(const radix_format_t *format, uintptr_t address, uint64_t entry, unsigned level)
{
    const page_access_t access = format->leaf_access(entry);

    return (user_leaf_t){
        .address = address,
        .physical = radix_leaf_address(format, entry, level),
        .size = radix_span(level),
        .access = (access & USER_RIGHTS) | ((access & PAGE_ACCESS_USER) != 0 ? 0 : PAGE_ACCESS_HIDDEN),
    };
}

typedef struct unmap_walk {
    uintptr_t start;
    uintptr_t end;
    user_leaf_t *leaves;
    size_t count;
    size_t capacity;
} unmap_walk_t;

static bool unmap_leaf(const radix_table_t *tree, uintptr_t address, uint64_t *entry, unsigned level, void *context)
{
    unmap_walk_t *const walk = context;

    check_within(address, level, walk->start, walk->end);
    walk->leaves[walk->count++] = leaf_of(tree->format, address, *entry, level);
    radix_set(tree, entry, 0, address);
    return walk->count < walk->capacity;
}

size_t user_page_table_unmap(user_page_table_t *table, uintptr_t *address, uintptr_t end, user_leaf_t *leaves,
                             size_t capacity)
{
    const radix_table_t tree = tree_of(table);
    unmap_walk_t walk = {.start = *address, .end = end, .leaves = leaves, .capacity = capacity};

    check_range(*address, end);
    CHECK(capacity > 0, "no room for what is unmapped");
    *address = radix_walk(&tree, *address, end, unmap_leaf, &walk);
    user_table_publish();
    return walk.count;
}

typedef struct next_walk {
    user_leaf_t *leaf;
    bool is_found;
} next_walk_t;

static bool take_leaf(const radix_table_t *tree, uintptr_t address, uint64_t *entry, unsigned level, void *context)
{
    next_walk_t *const walk = context;

    *walk->leaf = leaf_of(tree->format, address, *entry, level);
    walk->is_found = true;
    return false;
}

bool user_page_table_next(const user_page_table_t *table, uintptr_t address, uintptr_t end, user_leaf_t *leaf)
{
    const radix_table_t tree = tree_of(table);
    next_walk_t walk = {.leaf = leaf};

    check_range(align_down(address, PAGE_SIZE), end);
    (void)radix_walk(&tree, address, end, take_leaf, &walk);
    return walk.is_found;
}

void user_page_table_trim(user_page_table_t *table, uintptr_t address, uintptr_t end,
                          void (*release)(void *page, void *context), void *context)
{
    const radix_table_t tree = tree_of(table);
    user_leaf_t leaf;

    check_range(address, end);
    DEBUG_CHECK(!user_page_table_next(table, address, end, &leaf));
    /* Beyond the space's ends there is nothing else. */
    const uintptr_t from = address == USER_SPACE_START ? 0 : address;
    const uintptr_t to = end == USER_SPACE_END ? align_up(end, radix_span(tree.format->levels - 1)) : end;
    uint64_t *const unlinked = radix_unlink(&tree, from, to);
    if (unlinked != NULL) {
        user_table_publish();
        /* All of it: a machine that is told an address may go on remembering the tables on the way there. */
        user_page_table_flush(table, USER_SPACE_START, USER_SPACE_END - USER_SPACE_START);
        radix_release(unlinked, release, context);
    }
}
