/* How operators cut work into tasks, so that each thread reads mostly what it wrote itself: bands of an image; and of a matrix
 * product a part for each thread, of strips of rows by groups of weight panels.
 *
 * Where there are too few rows for that, threads share out the panels. A part is several tasks, so that a thread that is late
 * is helped. An output is the same sum in the same order however the cut is made. */
#ifndef SLIM_CUT_H
#define SLIM_CUT_H

#include "base/internal.h"

/* Bands of at most `rows` rows of an image, as many for each thread: operators that work in bands give a thread the same part of
 * the image, so that what a core wrote it reads again. Lines that another core wrote take it many times as long. */
SLIM_INLINE size_t slim_bands(size_t height, size_t rows, int threads)
{
    const size_t bands = slim_ceil_div(height, rows);
    return SLIM_MIN(height, slim_ceil_div(bands, (size_t)threads) * (size_t)threads);
}

/* The first row of a band. */
SLIM_INLINE size_t slim_band_row(size_t band, size_t bands, size_t height)
{
    return band * height / bands;
}

/* Tasks a thread; rows of a tile, fewest of a part; panels that are never shared out. */
enum { SLIM_CUT_TASKS = 6, SLIM_CUT_ROWS = 12, SLIM_CUT_PART = 24, SLIM_CUT_ALONE = 3 };

typedef struct slim_cut {
    size_t strips, parts;       /* strips of a part */
    size_t panels, groups;      /* of a group; groups */
    size_t tasks;
} slim_cut;

/* m rows in strips of at most `strip`, `panels` of weights; `times` such products run side by side. */
SLIM_BRIEF SLIM_SHARED slim_cut slim_cut_of(size_t m, size_t strip, size_t panels, size_t times, int threads)
{
    const size_t unit = panels % 4 == 0 ? 4 : panels % 3 == 0 ? 3 : 2;   /* panels that the widest tiles take together */
    slim_cut cut;
    cut.parts = times == 1 && m >= SLIM_CUT_PART * (size_t)threads ? (size_t)threads : 1;
    if (strip > SLIM_CUT_ROWS)
        strip -= strip % SLIM_CUT_ROWS;
    cut.strips = slim_ceil_div(m, strip * cut.parts);
    cut.panels = panels;
    cut.groups = 1;
    if (threads > 1) {
        const size_t wanted = slim_ceil_div(SLIM_CUT_TASKS * (size_t)threads, times * cut.parts);
        const size_t groups = SLIM_MIN(slim_ceil_div(wanted, cut.strips), slim_ceil_div(panels, unit));
        cut.panels = slim_ceil_div(slim_ceil_div(panels, groups), unit) * unit;
        cut.groups = slim_ceil_div(panels, cut.panels);
        const size_t most = SLIM_MAX(cut.strips, m / (SLIM_CUT_ROWS * cut.parts));
        cut.strips = SLIM_MIN(most, SLIM_MAX(cut.strips, slim_ceil_div(wanted, cut.groups)));
    }
    cut.tasks = cut.parts * cut.groups * cut.strips;
    return cut;
}

/* Task `index`: neighbours in time share a group's weights. */
typedef struct slim_cut_part {
    size_t first_row, rows, first_panel, outputs;
} slim_cut_part;

SLIM_SHARED slim_cut_part slim_cut_part_of(const slim_cut *cut, size_t index, size_t m, size_t outputs)
{
    const size_t strip = index % cut->strips, group = index / cut->strips % cut->groups;
    const size_t first = slim_band_row(index / (cut->strips * cut->groups), cut->parts, m);
    const size_t rows = slim_band_row(index / (cut->strips * cut->groups) + 1, cut->parts, m) - first;
    const size_t tile = rows > cut->strips * SLIM_CUT_ROWS ? SLIM_CUT_ROWS : 1, tiles = slim_ceil_div(rows, tile);
    const size_t end = SLIM_MIN(rows, slim_band_row(strip + 1, cut->strips, tiles) * tile);   /* strips are of whole tiles */
    slim_cut_part part;
    part.first_row = slim_band_row(strip, cut->strips, tiles) * tile;
    part.rows = end - part.first_row;
    part.first_row += first;
    part.first_panel = group * cut->panels;
    part.outputs = SLIM_MIN(cut->panels * SLIM_PANEL, outputs - part.first_panel * SLIM_PANEL);
    return part;
}

#endif
