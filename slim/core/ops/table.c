/* The operators of this build, by code. */
#include "base/internal.h"
#include "include/slim_selection.h"

#ifndef SLIM_SINGLE_FILE
#define SLIM_DECLARE(name) SLIM_INTERNAL extern const slim_operator slim_op_##name;
SLIM_OPERATORS(SLIM_DECLARE)
#endif

#define SLIM_ENTRY(name) &slim_op_##name,
static const slim_operator *const slim_operators[] = { SLIM_OPERATORS(SLIM_ENTRY) };

SLIM_INTERNAL const slim_operator *slim_find_operator(int code)
{
    for (size_t i = 0; i < sizeof slim_operators / sizeof slim_operators[0]; i++)
        if (slim_operators[i]->code == code)
            return slim_operators[i];
    return NULL;
}
