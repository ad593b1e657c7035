/* What the two fully connected operators share: their cut into tasks. Many rows are cut into a part for each thread, which then
 * reads what it wrote itself, of strips; and output channels into groups of panels, so that a single row (the usual batch of 1)
 * still has work for every thread. */
#ifndef SLIM_DENSE_H
#define SLIM_DENSE_H

#include "ops/cut.h"

enum { SLIM_DENSE_STRIP = 128, SLIM_DENSE_PANELS = 8, SLIM_DENSE_ROWS = 24 /* fewest of a part */ };

typedef struct slim_dense {
    size_t k, rows, outputs, panels, strips, groups;
    size_t part;                /* strips of a part */
} slim_dense;

/* Rows and panels of one task. */
typedef struct slim_dense_part {
    size_t first_row, rows, first_panel, outputs;
} slim_dense_part;

/* x is [..., K]: everything before the last axis is rows. */
SLIM_INLINE slim_dense slim_dense_layout(const slim_value *x, int32_t outputs, int threads)
{
    slim_dense d;
    d.k = (size_t)x->dims[x->rank - 1];
    d.rows = x->count / d.k;
    d.outputs = (size_t)outputs;
    d.panels = slim_ceil_div(d.outputs, SLIM_PANEL);
    const size_t parts = d.rows >= SLIM_DENSE_ROWS * (size_t)threads ? (size_t)threads : 1;
    d.part = slim_ceil_div(d.rows, SLIM_DENSE_STRIP * parts);
    d.strips = d.part * parts;
    d.groups = slim_ceil_div(d.panels, SLIM_DENSE_PANELS);
    return d;
}

/* Checks x's rank and the number of outputs, asks for scratch, and finds the shape [..., O]. */
SLIM_SHARED SLIM_COLD slim_status slim_dense_size(slim_prepare *p, int32_t outputs, int32_t *dims)
{
    const slim_value *x = slim_prepare_input(p, 0);
    if (x->rank < 1 || outputs < 1)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the input has no axis, or there are no output channels");
    for (int i = 0; i < x->rank - 1; i++)
        dims[i] = x->dims[i];
    dims[x->rank - 1] = outputs;
    size_t rows = x->count / (size_t)x->dims[x->rank - 1];
    slim_prepare_scratch(p, SLIM_MIN(rows, (size_t)SLIM_DENSE_STRIP) * sizeof(void *));
    return SLIM_OK;
}

SLIM_INLINE slim_dense_part slim_dense_part_of(const slim_dense *d, size_t index)
{
    slim_dense_part part;
    const size_t strip = index / (d->groups * d->part) * d->part + index % d->part;   /* neighbours share weights */
    part.first_row = slim_band_row(strip, d->strips, d->rows);
    part.rows = slim_band_row(strip + 1, d->strips, d->rows) - part.first_row;
    part.first_panel = index / d->part % d->groups * SLIM_DENSE_PANELS;
    part.outputs = SLIM_MIN((size_t)SLIM_DENSE_PANELS * SLIM_PANEL, d->outputs - part.first_panel * SLIM_PANEL);
    return part;
}

#endif
