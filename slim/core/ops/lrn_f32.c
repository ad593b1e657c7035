/* Local response normalization across channels, NHWC: x / (bias + alpha / size * sum of the neighbours' squares)^beta. */
#include "ops/approximate.h"
#include "ops/check.h"

enum { LRN_LIMIT = 32767 };   /* of the neighbourhood */

SLIM_COLD static slim_status lrn_prepare(slim_prepare *p)
{
    const slim_lrn_f32_attributes *a = (const slim_lrn_f32_attributes *)p->attributes;
    slim_status status;
    if ((status = slim_prepare_expect(p, 0, SLIM_F32, 4, 0)) != SLIM_OK || (status = slim_check_output_type(p, 0, SLIM_F32)) != SLIM_OK)
        return status;
    if (a->size < 1 || a->size > LRN_LIMIT)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the neighbourhood is empty or too large");
    const slim_value *x = slim_prepare_input(p, 0);
    slim_prepare_scratch(p, (2 * (size_t)x->dims[3] + (size_t)a->size) * sizeof(float));
    slim_prepare_in_place(p, 0, 0);
    return slim_prepare_output(p, 0, 4, x->dims);
}

SLIM_VECTORIZE static void lrn_add(float *__restrict to, const float *__restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] += from[i];
}

/* to[i] = (bias + factor * to[i])^-beta. The power 3/4 of AlexNet and GoogLeNet is two square roots. */
SLIM_VECTORIZE static void lrn_power(float *to, size_t n, const slim_lrn_f32_attributes *a)
{
    float factor = a->alpha / (float)a->size, bias = a->bias, beta = a->beta;
    for (size_t i = 0; i < n; i++)
        to[i] = bias + factor * to[i];
    if (beta == 0.75f)
        for (size_t i = 0; i < n; i++) {
            float root = slim_sqrt(to[i]);
            to[i] = 1.0f / (root * slim_sqrt(root));
        }
    else
        for (size_t i = 0; i < n; i++)
            to[i] = slim_power(to[i], -beta);
}

/* A task is a row of pixels. */
SLIM_VECTORIZE static void lrn_row(void *context, size_t index, int worker)
{
    const slim_step *s = (const slim_step *)context;
    const slim_lrn_f32_attributes *a = (const slim_lrn_f32_attributes *)s->attributes;
    const slim_value *x = slim_step_input(s, 0);
    size_t channels = (size_t)x->dims[3], size = (size_t)a->size, before = (size - 1) / 2;
    float *sums = (float *)(void *)slim_step_scratch(s, worker);
    float *squares = sums + channels;   /* [before zeros][channels][size - 1 - before zeros] */
    slim_fill(squares, 0, (channels + size) * sizeof(float));
    for (int32_t column = 0; column < x->dims[2]; column++) {
        size_t at = (index * (size_t)x->dims[2] + (size_t)column) * channels;
        const float *from = (const float *)x->data + at;
        float *to = (float *)slim_step_output(s, 0)->data + at;
        for (size_t i = 0; i < channels; i++)
            squares[before + i] = from[i] * from[i];
        slim_fill(sums, 0, channels * sizeof(float));
        for (size_t j = 0; j < size; j++)
            lrn_add(sums, squares + j, channels);
        lrn_power(sums, channels, a);
        for (size_t i = 0; i < channels; i++)
            to[i] = from[i] * sums[i];
    }
}

static void lrn_run(const slim_step *s)
{
    const slim_value *x = slim_step_input(s, 0);
    slim_parallel(s, (size_t)x->dims[0] * (size_t)x->dims[1], lrn_row, (void *)(uintptr_t)s);
}

SLIM_INTERNAL const slim_operator slim_op_lrn_f32 = {
    SLIM_OP_LRN_F32, 1, 1, 1, sizeof(slim_lrn_f32_attributes) / 4, 0, "lrn_f32", lrn_prepare, lrn_run,
};
