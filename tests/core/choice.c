/* The choice between all threads and the caller alone, on a clock of its own: of so many runs that would take so long either
 * way (and a quarter more where the run before went the other way), how many go each way. */
#include <stdio.h>
#include <stdlib.h>

#include "threads/choice.h"

static int64_t clock_ns = 1;

/* Runs of the caller alone. */
static int alone(slim_choice *choice, int runs, int64_t together_ns, int64_t alone_ns)
{
    int count = 0, before = choice->way;
    for (int i = 0; i < runs; i++) {
        const int way = slim_choice_begin(choice, clock_ns);
        const int64_t spent = way ? alone_ns : together_ns, noise = rand() % (spent / 50 + 1);
        clock_ns += spent + noise + (way != before ? spent / 4 : 0) + (rand() % 100 == 0 ? 5 * spent : 0);
        before = way;
        count += way;
        slim_choice_end(choice, clock_ns);
    }
    return count;
}

int main(void)
{
    slim_choice choice = {0}, slow = {0};
    slim_choice_start(&choice);
    slim_choice_start(&slow);
    printf("gain %d\n", alone(&choice, 3000, 60000, 100000));
    printf("loss %d\n", alone(&choice, 3000, 140000, 100000));
    printf("larger %d\n", alone(&choice, 300, 2000000, 4000000));
    printf("long %d\n", alone(&slow, 3000, 900000, 100000));
    return 0;
}
