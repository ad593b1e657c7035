/* How Winograd's operators cut images into tiles and the work into tasks, and go through both. */
#include "ops/winograd.h"
#include "ops/window.h"

SLIM_INTERNAL slim_winograd_side slim_winograd_cut(int32_t size, size_t sixes)
{
    const size_t all = (size_t)size, most = SLIM_MIN(sixes, slim_ceil_div(all, 6));
    slim_winograd_side best = {slim_ceil_div(all, 4), 0, slim_ceil_div(all, 4)}, side;
    /* a few tiles at most are not of the largest size */
    for (side.sixes = most - SLIM_MIN(most, (size_t)3); side.sixes <= most; side.sixes++) {
        const size_t rest = all - SLIM_MIN(all, 6 * side.sixes), fours = slim_ceil_div(rest, 4);
        for (side.fours = fours - SLIM_MIN(fours, (size_t)3); side.fours <= fours; side.fours++) {
            side.tiles = side.sixes + side.fours + slim_ceil_div(rest - SLIM_MIN(rest, 4 * side.fours), 3);
            if (slim_winograd_points(side) < slim_winograd_points(best))
                best = side;
        }
    }
    return best;
}

static size_t winograd_size(slim_winograd_side side, size_t tile)
{
    return tile < side.sixes ? 6 : tile < side.sixes + side.fours ? 4 : 3;
}

SLIM_INTERNAL slim_winograd_place slim_winograd_tile(const slim_winograd_grid *grid, size_t row, size_t column)
{
    const slim_winograd_side rows = grid->rows;
    const size_t sizes[] = {rows.sixes, rows.fours, rows.tiles - rows.sixes - rows.fours};
    size_t size = 0, before = 0;
    slim_winograd_place place;
    for (; size < 2 && row >= sizes[size] * grid->images; size++) {
        row -= sizes[size] * grid->images;
        before += sizes[size];
    }
    place.image = row / sizes[size];
    row = before + row % sizes[size];
    place.y = slim_winograd_start(rows, row);
    place.x = slim_winograd_start(grid->columns, column);
    place.rows = winograd_size(rows, row);
    place.columns = winograd_size(grid->columns, column);
    return place;
}

SLIM_INTERNAL slim_winograd_tasks slim_winograd_share(size_t rows, size_t points, size_t panels, size_t filters, int threads)
{
    size_t best = 1, least = SIZE_MAX;
    for (size_t bands = 1; bands <= SLIM_MIN((size_t)threads, rows); bands++) {
        const size_t part = slim_ceil_div(panels, (size_t)threads / bands);
        const size_t cost = points / rows * slim_ceil_div(rows, bands) * (2 * part + 1) + filters * part;
        if (cost < least) {
            least = cost;
            best = bands;
        }
    }
    const slim_winograd_tasks tasks = {best, SLIM_MIN((size_t)threads / best, panels), slim_ceil_div(rows, best)};
    return tasks;
}

SLIM_INTERNAL slim_status slim_winograd_prepare(slim_prepare *p, int32_t stride, int32_t *dims)
{
    const slim_winograd_f32_attributes *a = (const slim_winograd_f32_attributes *)p->attributes;   /* those of both */
    slim_window window;
    slim_status status;
    const slim_value *x = slim_prepare_input(p, 0);
    if ((status = slim_prepare_expect(p, 0, SLIM_F32, 4, 0)) != SLIM_OK
        || (status = slim_window_size(p, x, &window, &dims[1], &dims[2])) != SLIM_OK)
        return status;
    if (window.kernel_h != 3 || window.kernel_w != 3 || window.stride_h != stride || window.stride_w != stride
        || window.dilation_h != 1 || window.dilation_w != 1 || a->groups != 1 || a->out_channels < 1)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the window is not 3x3 with the stride that it takes");
    dims[0] = x->dims[0];
    dims[3] = a->out_channels;
    return SLIM_OK;
}

/* A band of rows of tiles by a part of the filters. */
static void winograd_task(void *context, size_t index, int worker)
{
    slim_winograd_context c = *(const slim_winograd_context *)context;
    const slim_winograd_walk *walk = c.walk;
    const size_t band = index / walk->tasks.parts, part = index % walk->tasks.parts;
    const size_t end = slim_band_row(band + 1, walk->tasks.bands, walk->rows);
    c.last = slim_band_row(part + 1, walk->tasks.parts, walk->panels);
    c.zeros = (float *)slim_step_scratch(c.step, worker);
    c.inputs = c.zeros + walk->zeros;
    c.work = c.inputs + walk->inputs;
    slim_fill(c.zeros, 0, walk->zeros * sizeof(float));
    for (c.first = slim_band_row(band, walk->tasks.bands, walk->rows); c.first < end; c.first += c.count) {
        c.count = SLIM_MIN(walk->block, end - c.first);
        for (size_t i = 0; i < c.count * walk->columns; i++)
            walk->input(&c, i);
        for (size_t panel = slim_band_row(part, walk->tasks.parts, walk->panels); panel < c.last; panel += walk->width)
            walk->filter(&c, panel);
    }
}

SLIM_BRIEF SLIM_INTERNAL void slim_winograd_run(const slim_step *s, const slim_winograd_walk *walk)
{
    slim_winograd_context c;
    c.step = s;
    c.walk = walk;
    c.x = slim_step_input(s, 0);
    c.w = slim_step_input(s, 1);
    c.bias = slim_step_input(s, 2);
    c.residual = s->inputs > 3 ? slim_step_input(s, 3) : NULL;
    c.y = slim_step_output(s, 0);
    slim_parallel(s, walk->tasks.bands * walk->tasks.parts, winograd_task, &c);
}
