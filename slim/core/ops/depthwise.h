/* What the two depthwise convolutions share: shapes, bands of output rows, and the table of input rows of a band. */
#ifndef SLIM_DEPTHWISE_H
#define SLIM_DEPTHWISE_H

#include "kernels/kernels.h"
#include "ops/cut.h"
#include "ops/window.h"

typedef struct slim_depthwise {
    const slim_step *step;
    const slim_value *x, *y;
    slim_window window;
    size_t bands;             /* of output rows: tasks an image */
} slim_depthwise;

enum { SLIM_DEPTHWISE_BAND = 65536 };   /* about so many outputs a task */

/* Bands of an image: enough work to be worth handing out, enough bands for every thread. */
SLIM_INLINE size_t slim_depthwise_bands(int32_t out_h, int32_t out_w, int32_t channels, int threads)
{
    if (threads == 1)
        return 1;
    const size_t row = (size_t)out_w * (size_t)channels;
    return slim_bands((size_t)out_h, SLIM_MAX((size_t)1, SLIM_DEPTHWISE_BAND / row), threads);
}

/* Input rows that a band touches. */
SLIM_INLINE size_t slim_depthwise_span(const slim_window *w, size_t band)
{
    return (band - 1) * (size_t)w->stride_h + (size_t)(w->kernel_h - 1) * (size_t)w->dilation_h + 1;
}

/* The output's shape, the check of the weights [ceil(C / 16)][taps][16], and the scratch for the table. */
SLIM_SHARED SLIM_COLD slim_status slim_depthwise_size(slim_prepare *p, slim_window *window, int32_t *dims)
{
    const slim_value *x = slim_prepare_input(p, 0);
    const slim_value *w = slim_prepare_input(p, 1);
    slim_status status = slim_window_size(p, x, window, &dims[1], &dims[2]);
    if (status != SLIM_OK)
        return status;
    int64_t taps = (int64_t)window->kernel_h * window->kernel_w;
    dims[0] = x->dims[0];
    dims[3] = x->dims[3];
    if (x->kind == SLIM_KIND_CONSTANT)   /* kernels read past the end of a row, which only the arena allows */
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the image is a constant");
    if (((const slim_window *)p->attributes)->kernel_h < 1 || taps > 1 << 20)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the window is empty or larger than the core takes");
    if (!SLIM_DEPTHWISE_THERE(window))
        return slim_prepare_fail(p, SLIM_NO_OPERATOR, "this build has no kernel for the window");
    if ((size_t)w->dims[0] != slim_ceil_div((size_t)dims[3], SLIM_PANEL) || w->dims[1] != taps || w->dims[2] != SLIM_PANEL)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the weights do not fit the channels and the window");
    const size_t bands = slim_depthwise_bands(dims[1], dims[2], dims[3], p->session->threads);
    slim_prepare_scratch(p, slim_depthwise_span(window, slim_ceil_div((size_t)dims[1], bands)) * sizeof(void *));
    return SLIM_OK;
}

SLIM_BRIEF SLIM_SHARED slim_depthwise slim_depthwise_of(const slim_step *s)
{
    slim_depthwise d;
    d.step = s;
    d.x = slim_step_input(s, 0);
    d.y = slim_step_output(s, 0);
    d.window = slim_window_of(s, d.x);
    d.bands = slim_depthwise_bands(d.y->dims[1], d.y->dims[2], d.y->dims[3], s->session->threads);
    return d;
}

/* The table of a band, in the worker's scratch; the band's first output row (over all images) and how many it has. */
SLIM_BRIEF SLIM_SHARED const void *const *slim_depthwise_rows(const slim_depthwise *d, size_t index, int worker, size_t *first, size_t *count)
{
    const void **rows = (const void **)(void *)slim_step_scratch(d->step, worker);
    size_t image = index / d->bands, out_h = (size_t)d->y->dims[1], start = slim_band_row(index % d->bands, d->bands, out_h);
    size_t row_bytes = d->x->bytes / ((size_t)d->x->dims[0] * (size_t)d->x->dims[1]);
    *first = image * out_h + start;
    *count = slim_band_row(index % d->bands + 1, d->bands, out_h) - start;
    size_t span = slim_depthwise_span(&d->window, *count);
    ptrdiff_t row = (ptrdiff_t)start * d->window.stride_h - d->window.pad_top, in_h = d->x->dims[1];
    for (size_t i = 0; i < span; i++, row++)
        rows[i] = row >= 0 && row < in_h ? d->x->data + (image * (size_t)in_h + (size_t)row) * row_bytes : NULL;
    return (const void *const *)rows;
}

#endif
