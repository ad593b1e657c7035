/* What add_u8 and mul_u8 share: the runs of a broadcast, handed to the kernel. */
#ifndef SLIM_PAIR_U8_H
#define SLIM_PAIR_U8_H

#include "kernels/kernels.h"
#include "ops/broadcast.h"
#include "ops/check.h"

typedef struct slim_pair_u8 {
    const slim_step *step;
    slim_pair_u8_task task;       /* but for its rows */
} slim_pair_u8;

SLIM_INLINE slim_pair_u8 slim_pair_u8_of(const slim_step *s, float scale, int32_t lo, int32_t hi)
{
    slim_pair_u8 pair;
    pair.step = s;
    pair.task.zero_a = slim_step_input(s, 0)->zero_point;
    pair.task.zero_b = slim_step_input(s, 1)->zero_point;
    pair.task.zero_point = slim_step_output(s, 0)->zero_point;
    pair.task.scale = scale;
    pair.task.lo = (float)(lo - pair.task.zero_point);
    pair.task.hi = (float)(hi - pair.task.zero_point);
    pair.task.product = 1;
    pair.task.multiplier_a = pair.task.multiplier_b = 1;
    return pair;
}

/* A run of a broadcast; an input that stands still is written out a block at a time. */
SLIM_INLINE void slim_pair_u8_run(void *context, const slim_broadcast *plan, size_t a, size_t b, size_t out, size_t count)
{
    const slim_pair_u8 *pair = (const slim_pair_u8 *)context;
    const slim_step *s = pair->step;
    const int stands_a = plan->a[plan->rank - 1] == 0, stands_b = plan->b[plan->rank - 1] == 0;
    const size_t block = stands_a || stands_b ? (size_t)SLIM_BROADCAST_BLOCK : count;
    uint8_t standing_a[SLIM_BROADCAST_BLOCK], standing_b[SLIM_BROADCAST_BLOCK];
    slim_pair_u8_task task = pair->task;
    task.a = slim_step_input(s, 0)->data + a;
    task.b = slim_step_input(s, 1)->data + b;
    task.out = slim_step_output(s, 0)->data + out;
    if (stands_a) {
        slim_fill(standing_a, *task.a, sizeof standing_a);
        task.a = standing_a;
    }
    if (stands_b) {
        slim_fill(standing_b, *task.b, sizeof standing_b);
        task.b = standing_b;
    }
    for (; count; count -= task.n) {
        task.n = SLIM_MIN(block, count);
        s->kernels->pair_u8(&task);
        task.a += stands_a ? 0 : task.n;
        task.b += stands_b ? 0 : task.n;
        task.out += task.n;
    }
}

#endif
