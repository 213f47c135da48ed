/*
 * The tree of nodes: links, look-up, reference counts.
 *
 * Invariants
 *   F1  a node's children are linked in ascending order of name, no two alike, and name it as their parent
 *   F2  a node whose references are not 0 stays where it is: in the tree, or detached with a release to come
 *
 * Locking: kfs->lock guards every link and count. It is held for a walk down a path, never while a node's own
 * function runs or memory is asked for. Parents can't go while they have children, so a child's parent pointer is
 * good as long as the child is.
 */
#include "kfs_internal.h"

#include "mm/kmalloc.h"

kfs_t kfs_kernel;

/* A part of a path between slashes. */
typedef struct kfs_word {
    const char *start;
    size_t length;
} kfs_word_t;

/* Takes the next word of the path at *at; its length is 0 at the end. */
static kfs_word_t next_word(const char **at)
{
    while (**at == '/') {
        (*at)++;
    }
    kfs_word_t word = {*at, 0};
    while (**at != '\0' && **at != '/') {
        (*at)++;
        word.length++;
    }
    return word;
}

static bool word_is(kfs_word_t word, const char *name)
{
    size_t index = 0;
    while (index < word.length && name[index] == word.start[index]) {
        index++;
    }
    return index == word.length && name[index] == '\0';
}

static status_t check_path(const char *path)
{
    if (path[0] != '/' || path[1] != '/') {
        return STATUS_INVALID;
    }
    size_t length = 2;
    while (length <= KFS_PATH_MAX && path[length] != '\0') {
        length++;
    }
    return length <= KFS_PATH_MAX ? STATUS_OK : STATUS_OUT_OF_RANGE;
}

static bool name_is_valid(const char *name)
{
    size_t length = 0;
    for (; name[length] != '\0'; length++) {
        if (length == KFS_NAME_MAX || name[length] <= ' ' || name[length] > '~' || name[length] == '/') {
            return false;
        }
    }
    return length != 0 && !text_equal(name, ".") && !text_equal(name, "..");
}

/* Below zero, zero or above as `left` comes before, at or after `right`. */
static int compare_names(const char *left, const char *right)
{
    while (*left != '\0' && *left == *right) {
        left++;
        right++;
    }
    return (int)(unsigned char)*left - (int)(unsigned char)*right;
}

bool kfs_node_is_directory(const kfs_node_t *node)
{
    return node->read == NULL && node->write == NULL;
}

static void init_node(kfs_node_t *node)
{
    node->parent = NULL;
    node->references = 0;
    node->release = NULL;
    node->is_owned = false;
    list_init(&node->children);
    list_link_init(&node->sibling);
}

void kfs_init(kfs_t *kfs)
{
    spinlock_init(&kfs->lock, LOCK_RANK_KFS);
    kfs->root = (kfs_node_t){.name = "//"};
    init_node(&kfs->root);
}

/* The child of that name, or NULL. The caller holds the lock. */
static kfs_node_t *find_child(const kfs_node_t *directory, kfs_word_t name)
{
    LIST_FOR_EACH(&directory->children, link)
    {
        kfs_node_t *const child = CONTAINER_OF(link, kfs_node_t, sibling);
        if (word_is(name, child->name)) {
            return child;
        }
    }
    return NULL;
}

/*
 * Where `word` leads from `node`: itself, its parent, a child, or NULL. The caller holds the lock.
 */
static kfs_node_t *step(kfs_node_t *node, kfs_word_t word)
{
    if (!kfs_node_is_directory(node)) {
        return NULL;
    }
    if (word_is(word, ".")) {
        return node;
    }
    if (word_is(word, "..")) {
        return node->parent != NULL ? node->parent : node;
    }
    return find_child(node, word);
}

/* The node at a path that check_path() has passed, or NULL. The caller holds the lock. */
static kfs_node_t *find(kfs_t *kfs, const char *path)
{
    kfs_node_t *node = &kfs->root;
    const char *at = path;
    for (kfs_word_t word = next_word(&at); node != NULL && word.length != 0; word = next_word(&at)) {
        node = step(node, word);
    }
    const bool asks_for_directory = at > path && at[-1] == '/';
    return node != NULL && asks_for_directory && !kfs_node_is_directory(node) ? NULL : node;
}

status_t kfs_get(kfs_t *kfs, const char *path, kfs_node_t **node)
{
    const status_t status = check_path(path);
    if (status != STATUS_OK) {
        return status;
    }
    const spinlock_hold_t hold = spinlock_lock(&kfs->lock);
    kfs_node_t *const found = find(kfs, path);
    if (found != NULL) {
        found->references++;
        *node = found;
    }
    spinlock_unlock(&kfs->lock, hold);
    return found != NULL ? STATUS_OK : STATUS_NOT_FOUND;
}

void kfs_put(kfs_t *kfs, kfs_node_t *node)
{
    const spinlock_hold_t hold = spinlock_lock(&kfs->lock);
    const bool was_held = node->references != 0;
    node->references -= was_held;
    void (*const release)(kfs_node_t *) = was_held && node->references == 0 ? node->release : NULL;
    spinlock_unlock(&kfs->lock, hold);
    CHECK(was_held, "file closed twice");
    if (release != NULL) {
        release(node);
    }
}

/*
 * Links `node` in its place among the children. Returns STATUS_EXISTS when the name is taken. The caller holds the
 * lock.
 */
static status_t link_child(kfs_node_t *directory, kfs_node_t *node)
{
    list_link_t *before = &directory->children.head;
    LIST_FOR_EACH(&directory->children, link)
    {
        const int order = compare_names(CONTAINER_OF(link, kfs_node_t, sibling)->name, node->name);
        if (order == 0) {
            return STATUS_EXISTS;
        }
        if (order > 0) {
            break;
        }
        before = link;
    }
    node->parent = directory;
    list_insert_between(&node->sibling, before, before->next);
    return STATUS_OK;
}

status_t kfs_add(kfs_t *kfs, const char *directory, kfs_node_t *node)
{
    const status_t path_status = check_path(directory);
    if (path_status != STATUS_OK || !name_is_valid(node->name)) {
        return path_status != STATUS_OK ? path_status : STATUS_INVALID;
    }
    init_node(node);
    const spinlock_hold_t hold = spinlock_lock(&kfs->lock);
    kfs_node_t *const parent = find(kfs, directory);
    const bool is_directory = parent != NULL && kfs_node_is_directory(parent);
    const status_t status = is_directory ? link_child(parent, node) : STATUS_NOT_FOUND;
    spinlock_unlock(&kfs->lock, hold);
    return status;
}

status_t kfs_remove(kfs_t *kfs, kfs_node_t *node)
{
    const spinlock_hold_t hold = spinlock_lock(&kfs->lock);
    const bool is_busy = node->references != 0 || !list_is_empty(&node->children) || node->parent == NULL;
    if (!is_busy) {
        list_remove(&node->sibling);
        node->parent = NULL;
    }
    spinlock_unlock(&kfs->lock, hold);
    if (is_busy) {
        return STATUS_BUSY;
    }
    if (node->is_owned) {
        kfree(node);
    }
    return STATUS_OK;
}

status_t kfs_detach(kfs_t *kfs, kfs_node_t *node, void (*release)(kfs_node_t *node))
{
    const spinlock_hold_t hold = spinlock_lock(&kfs->lock);
    const bool is_busy = !list_is_empty(&node->children) || node->parent == NULL;
    const bool is_open = node->references != 0;
    if (!is_busy) {
        list_remove(&node->sibling);
        node->parent = NULL;
        node->release = release;
    }
    spinlock_unlock(&kfs->lock, hold);
    if (!is_busy && !is_open) {
        release(node);
    }
    return is_busy ? STATUS_BUSY : STATUS_OK;
}

/* The first child of the first child and so on: a node without children. `node` itself when it has none. */
static kfs_node_t *first_leaf(kfs_node_t *node)
{
    while (!list_is_empty(&node->children)) {
        node = CONTAINER_OF(node->children.head.next, kfs_node_t, sibling);
    }
    return node;
}

/* The node after `node` when children come before their parents; NULL after the root. */
static kfs_node_t *next_upward(kfs_t *kfs, kfs_node_t *node)
{
    if (node == &kfs->root) {
        return NULL;
    }
    kfs_node_t *const parent = node->parent;
    return node->sibling.next == &parent->children.head
               ? parent
               : first_leaf(CONTAINER_OF(node->sibling.next, kfs_node_t, sibling));
}

status_t kfs_destroy(kfs_t *kfs)
{
    const spinlock_hold_t hold = spinlock_lock(&kfs->lock);
    for (kfs_node_t *node = first_leaf(&kfs->root); node != NULL; node = next_upward(kfs, node)) {
        if (node->references != 0) {
            spinlock_unlock(&kfs->lock, hold);
            return STATUS_BUSY;
        }
    }
    spinlock_unlock(&kfs->lock, hold);

    for (kfs_node_t *leaf = first_leaf(&kfs->root); leaf != &kfs->root; leaf = first_leaf(&kfs->root)) {
        const status_t status = kfs_remove(kfs, leaf);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/*
 * Makes the directory `name` in `parent`, on which the caller holds a reference, unless it is there; *made has a
 * reference then.
 */
static status_t make_child(kfs_t *kfs, kfs_node_t *parent, kfs_word_t name, kfs_node_t **made)
{
    if (name.length > KFS_NAME_MAX) {
        return STATUS_INVALID;
    }
    kfs_node_t *const node = kmalloc(sizeof(*node));
    if (node == NULL) {
        return STATUS_NO_MEMORY;
    }
    *node = (kfs_node_t){.name = node->owned_name};
    for (size_t index = 0; index < name.length; index++) {
        node->owned_name[index] = name.start[index];
    }
    init_node(node);
    node->is_owned = true;

    /* A path's words can hold bytes that a name may not; the usual words "." and ".." are found by step(). */
    status_t status = STATUS_INVALID;
    kfs_node_t *found = NULL;
    const spinlock_hold_t hold = spinlock_lock(&kfs->lock);
    found = step(parent, name);
    if (found == NULL && name_is_valid(node->name)) {
        status = link_child(parent, node);
        found = status == STATUS_OK ? node : NULL;
    }
    if (found != NULL) {
        status = kfs_node_is_directory(found) ? STATUS_OK : STATUS_EXISTS;
        found->references += status == STATUS_OK;
    }
    spinlock_unlock(&kfs->lock, hold);

    if (found != node) {
        kfree(node);
    }
    *made = found;
    return status;
}

status_t kfs_make_directory(kfs_t *kfs, const char *path)
{
    kfs_node_t *node;
    status_t status = check_path(path);
    if (status == STATUS_OK) {
        status = kfs_get(kfs, "//", &node);
    }
    if (status != STATUS_OK) {
        return status;
    }
    const char *at = path;
    for (kfs_word_t word = next_word(&at); word.length != 0; word = next_word(&at)) {
        kfs_node_t *child;
        status = make_child(kfs, node, word, &child);
        if (status != STATUS_OK) {
            break;
        }
        kfs_put(kfs, node);
        node = child;
    }
    kfs_put(kfs, node);
    return status;
}

void kfs_describe(const kfs_node_t *node, kfs_entry_t *entry)
{
    *entry = (kfs_entry_t){
        .is_directory = kfs_node_is_directory(node),
        .is_readable = kfs_node_is_directory(node) || node->read != NULL,
        .is_writable = node->write != NULL,
    };
    text_print(entry->name, sizeof(entry->name), "%s", node->name);
}

size_t kfs_list(kfs_t *kfs, const kfs_node_t *directory, kfs_entry_t *entries, size_t capacity)
{
    size_t count = 0;
    const spinlock_hold_t hold = spinlock_lock(&kfs->lock);
    LIST_FOR_EACH(&directory->children, link)
    {
        if (count < capacity) {
            kfs_describe(CONTAINER_OF(link, kfs_node_t, sibling), &entries[count]);
        }
        count++;
    }
    spinlock_unlock(&kfs->lock, hold);
    return count;
}
