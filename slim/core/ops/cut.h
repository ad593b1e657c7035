/* How a matrix product is cut into tasks: strips of rows, and where there are few of those, groups of weight panels.
 *
 * One thread takes strips with all panels. More threads want about four tasks each, so that the last ones do not wait long
 * for each other. Panels are split first: that reads every weight once; splitting rows reads the weights once a strip.
 * An output is the same sum in the same order however the cut is made. */
#ifndef SLIM_CUT_H
#define SLIM_CUT_H

#include "base/internal.h"

enum { SLIM_CUT_TASKS = 6, SLIM_CUT_ROWS = 12, SLIM_CUT_TILE = 12 };   /* tasks a thread, fewest rows, rows of a tile */

typedef struct slim_cut {
    size_t rows, strips;        /* of a strip; strips */
    size_t panels, groups;      /* of a group; groups */
} slim_cut;

/* m rows in strips of at most `strip`, `panels` of weights; `times` such products run side by side. */
SLIM_INLINE slim_cut slim_cut_of(size_t m, size_t strip, size_t panels, size_t times, int threads)
{
    const size_t wanted = slim_ceil_div(SLIM_CUT_TASKS * (size_t)threads, times);
    const size_t unit = panels % 4 == 0 ? 4 : panels % 3 == 0 ? 3 : 2;   /* panels that the widest tiles take together */
    slim_cut cut;
    cut.rows = SLIM_MIN(strip, m);
    cut.strips = slim_ceil_div(m, cut.rows);
    cut.panels = panels;
    cut.groups = 1;
    if (threads == 1 || cut.strips >= wanted)
        return cut;
    const size_t groups = SLIM_MIN(slim_ceil_div(wanted, cut.strips), slim_ceil_div(panels, unit));
    cut.panels = slim_ceil_div(slim_ceil_div(panels, groups), unit) * unit;
    cut.groups = slim_ceil_div(panels, cut.panels);
    cut.strips = SLIM_MAX(cut.strips, slim_ceil_div(wanted, cut.groups));
    const size_t even = slim_ceil_div(slim_ceil_div(m, cut.strips), SLIM_CUT_TILE) * SLIM_CUT_TILE;
    cut.rows = SLIM_MIN(SLIM_MAX(even, (size_t)SLIM_CUT_ROWS), cut.rows);
    cut.strips = slim_ceil_div(m, cut.rows);
    return cut;
}

/* Task `index` of strips * groups: neighbours in time share a group's weights. */
typedef struct slim_cut_part {
    size_t first_row, rows, first_panel, outputs;
} slim_cut_part;

SLIM_INLINE slim_cut_part slim_cut_part_of(const slim_cut *cut, size_t index, size_t m, size_t outputs)
{
    slim_cut_part part;
    part.first_row = index % cut->strips * cut->rows;
    part.rows = SLIM_MIN(cut->rows, m - part.first_row);
    part.first_panel = index / cut->strips * cut->panels;
    part.outputs = SLIM_MIN(cut->panels * SLIM_PANEL, outputs - part.first_panel * SLIM_PANEL);
    return part;
}

#endif
