/* Says who it is, and what it was told. */
#include "quarry.h"

int main(int count, char **arguments)
{
    quarry_print("hello from process ");
    quarry_print_number(quarry_getpid());
    for (int index = 1; index < count; index++) {
        quarry_print(index == 1 ? ": " : " ");
        quarry_print(arguments[index]);
    }
    quarry_print("\n");
    return 0;
}
