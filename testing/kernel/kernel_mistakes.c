#include "testing/kernel/kernel_mistakes.h"

#include "base/check.h"
#include "base/text.h"
#include "mm/kmalloc.h"
#include "testing/host/mistakes.h"

void mistake_needs(int condition, const char *what)
{
    (void)what;
    CHECK(condition != 0, "a mistake can't be made");
}

/* Told where free pages are watched, and nowhere else: so it is none of the host's, whose mistakes always end. */
static void touching_a_free_page(void)
{
    char *const block = kmalloc(2 * KMALLOC_SLAB_MAX);
    mistake_needs(block != NULL, "no block");
    kfree(block);
    *(volatile char *)(block + KMALLOC_SLAB_MAX) = 1;
}

static const mistake_t watched_mistakes[] = {
    MISTAKE(touching_a_free_page, "use of a free page"),
    MISTAKES_END,
};

static void make_from(const mistake_t *mistakes, const char *name)
{
    for (const mistake_t *mistake = mistakes; mistake->name != NULL; mistake++) {
        if (text_equal(mistake->name, name)) {
            mistake->make();
        }
    }
}

void kernel_mistake_make(const char *name)
{
    make_from(slab_mistakes, name);
    make_from(watched_mistakes, name);
}
