#include "testing/kernel/kernel_mistakes.h"

#include "base/check.h"
#include "base/text.h"
#include "testing/host/mistakes.h"

void mistake_needs(int condition, const char *what)
{
    (void)what;
    CHECK(condition != 0, "a mistake can't be made");
}

void kernel_mistake_make(const char *name)
{
    for (const mistake_t *mistake = slab_mistakes; mistake->name != NULL; mistake++) {
        if (text_equal(mistake->name, name)) {
            mistake->make();
        }
    }
}
