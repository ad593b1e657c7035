/* What Winograd's two operators of feature maps share: an image's rows and columns in tiles, and the cut into tasks. */
#ifndef SLIM_WINOGRAD_H
#define SLIM_WINOGRAD_H

#include "ops/cut.h"

/* Rows or columns of an image in tiles: the first `sixes` have 6 output pixels, `fours` more have 4, and the others 3. */
typedef struct slim_winograd_side {
    size_t tiles, sixes, fours;
} slim_winograd_side;

/* Tiles with fewest points, among them at most `sixes` of 6. */
SLIM_INTERNAL SLIM_COLD slim_winograd_side slim_winograd_cut(int32_t size, size_t sixes);

/* The first output pixel of a tile. */
SLIM_INLINE size_t slim_winograd_start(slim_winograd_side side, size_t tile)
{
    return 3 * tile + 3 * SLIM_MIN(tile, side.sixes) + SLIM_MIN(tile - SLIM_MIN(tile, side.sixes), side.fours);
}

/* Of all tiles: 8, 6 and 5 of each. */
SLIM_INLINE size_t slim_winograd_points(slim_winograd_side side)
{
    return 5 * side.tiles + 3 * side.sixes + side.fours;
}

typedef struct slim_winograd_grid {
    slim_winograd_side rows, columns;   /* of an image */
    size_t images;
} slim_winograd_grid;

/* Rows of tiles of all images, which are ordered by size: those of 6 of all images come first, then those of 4. */
SLIM_INLINE slim_winograd_side slim_winograd_rows(const slim_winograd_grid *grid)
{
    const slim_winograd_side all = {grid->rows.tiles * grid->images, grid->rows.sixes * grid->images, grid->rows.fours * grid->images};
    return all;
}

typedef struct slim_winograd_place {
    size_t image;
    size_t y, x;                /* of the tile's first output pixel */
    size_t rows, columns;       /* of the tile */
} slim_winograd_place;

SLIM_INTERNAL slim_winograd_place slim_winograd_tile(const slim_winograd_grid *grid, size_t row, size_t column);

/* Tasks: bands of rows of tiles by parts of the panels of filters. A task transforms the input of its band and the filters of its
 * part for itself, though other tasks do so too: that takes less time than to read what another core has transformed. */
typedef struct slim_winograd_tasks {
    size_t bands, parts;
    size_t rows;                /* of a band, at most */
} slim_winograd_tasks;

/* Of `rows` rows of tiles with so many points. Transforming a panel of filters takes as long as half products of `filters` points. */
SLIM_INTERNAL SLIM_COLD slim_winograd_tasks slim_winograd_share(size_t rows, size_t points, size_t panels, size_t filters, int threads);

/* What the operators take: a 3x3 window with this stride, undilated, of one group. `dims` become the output's. */
SLIM_INTERNAL SLIM_COLD slim_status slim_winograd_prepare(slim_prepare *p, int32_t stride, int32_t *dims);

struct slim_winograd_context;

/* How the tasks go through tiles and filters; the first member of an operator's plan. */
typedef struct slim_winograd_walk {
    slim_winograd_tasks tasks;
    size_t rows, columns;       /* of tiles: of all images, of one */
    size_t panels, width;       /* of filters, and those that are taken at a time */
    size_t block;               /* rows of tiles whose input is transformed at a time */
    size_t zeros, inputs;       /* floats of scratch memory */
    void (*input)(const struct slim_winograd_context *c, size_t index);     /* transforms a tile of the block */
    void (*filter)(const struct slim_winograd_context *c, size_t panel);    /* multiplies by filters, and transforms outputs back */
} slim_winograd_walk;

typedef struct slim_winograd_context {
    const slim_step *step;
    const slim_winograd_walk *walk;
    const slim_value *x, *w, *bias, *residual, *y;
    float *zeros;               /* pixels outside the image */
    float *inputs;              /* of the block, transformed */
    float *work;                /* filters and products */
    size_t first, count;        /* rows of tiles of the block */
    size_t last;                /* panel of filters, not the task's */
} slim_winograd_context;

SLIM_INTERNAL void slim_winograd_run(const slim_step *s, const slim_winograd_walk *walk);

#endif
