/* Input rows are padded into a ring of kernel_h rows in scratch memory, each as the columns that a step of the stride takes
 * apart: inputs of one filter tap for neighbouring outputs lie side by side, whatever the stride. */
#include "ops/image_rows.h"

SLIM_BRIEF SLIM_INTERNAL void slim_image_rows_lay(slim_image_rows *r, const slim_window *window, const slim_value *x)
{
    const slim_window *w = &r->window;
    const size_t channels = (size_t)x->dims[1];
    r->x = x;
    r->window = *window;
    const size_t stride = (size_t)w->stride_w, width = (size_t)x->dims[3] + (size_t)w->pad_left + (size_t)w->pad_right;
    r->height = ((size_t)x->dims[2] + (size_t)w->pad_top + (size_t)w->pad_bottom - (size_t)w->kernel_h) / (size_t)w->stride_h + 1;
    r->task.m = (width - (size_t)w->kernel_w) / stride + 1;
    r->task.k = (size_t)w->kernel_h * (size_t)w->kernel_w * channels;
    r->columns = slim_ceil_div(width, stride);
    r->row = r->columns * stride * channels;
    r->ring = slim_align((size_t)w->kernel_h * r->row * sizeof(float));
    r->scratch = r->ring + slim_align(r->task.k * sizeof(float *));
}

SLIM_BRIEF SLIM_INTERNAL void slim_image_rows_begin(slim_image_rows *r, const slim_step *s, const slim_window *window,
                                                    int32_t channels, size_t out_stride, float lo, float hi)
{
    slim_image_rows_lay(r, window, slim_step_input(s, 0));
    r->kernels = s->kernels;
    r->task.weights = (const float *)slim_step_input(s, 1)->data;
    r->task.bias = (const float *)slim_step_input(s, 2)->data;
    r->task.n = (size_t)channels;
    r->task.out_stride = out_stride;
    r->task.lo = lo;
    r->task.hi = hi;
}

/* Values of even and of odd columns, which compilers vectorise. */
SLIM_VECTORIZE static void image_rows_halve(const float *from, size_t width, float *even, float *odd)
{
    for (size_t i = 0; i < width / 2; i++) {
        even[i] = from[2 * i];
        odd[i] = from[2 * i + 1];
    }
    if (width % 2)
        even[width / 2] = from[width - 1];
}

/* Input row `row` of an image, between the zeros that are on both sides already; all zeros outside the image. */
static void image_rows_fill(const slim_image_rows *r, size_t image, int32_t row, float *to)
{
    const size_t channels = (size_t)r->x->dims[1], height = (size_t)r->x->dims[2], width = (size_t)r->x->dims[3];
    const size_t columns = r->columns, stride = (size_t)r->window.stride_w, pad = (size_t)r->window.pad_left;
    if (row < 0 || (size_t)row >= height) {
        slim_fill(to, 0, r->row * sizeof(float));
        return;
    }
    for (size_t j = 0; j < channels; j++, to += stride * columns) {
        const float *from = (const float *)r->x->data + ((image * channels + j) * height + (size_t)row) * width;
        for (size_t i = 0; i < width && (size_t)row + 1 < height; i += 16)   /* the next row, which no processor foresees */
            __builtin_prefetch(from + width + i);
        if (stride == 1) {
            slim_copy(to + pad, from, width * sizeof(float));
            continue;
        }
        if (stride == 2) {
            const size_t odd = pad % 2;
            image_rows_halve(from, width, to + odd * columns + pad / 2, to + (1 - odd) * columns + pad / 2 + odd);
            continue;
        }
        for (size_t first = 0; first < stride; first++) {
            float *column = to + (pad + first) % stride * columns + (pad + first) / stride;
            for (size_t i = first; i < width; i += stride)
                *column++ = from[i];
        }
    }
}

SLIM_INTERNAL void slim_image_rows_make(const slim_image_rows *r, size_t image, size_t first, size_t last, void *scratch,
                                        float *out, size_t slots)
{
    const slim_window *w = &r->window;
    const size_t channels = (size_t)r->x->dims[1], stride = (size_t)w->stride_w;
    float *ring = (float *)scratch;
    const float **columns = (const float **)(void *)((unsigned char *)scratch + r->ring);
    int32_t filled = (int32_t)first * w->stride_h - w->pad_top;   /* rows before this one are in the ring */
    slim_columns_f32_task task = r->task;
    slim_fill(ring, 0, r->ring);   /* rows keep the zeros on their sides */
    task.columns = columns;
    for (size_t y = first; y < last; y++) {
        const int32_t top = (int32_t)y * w->stride_h - w->pad_top;
        const float **column = columns;
        filled = SLIM_MAX(filled, top);
        for (; filled < top + w->kernel_h; filled++)
            image_rows_fill(r, image, filled, ring + (size_t)((filled + w->pad_top) % w->kernel_h) * r->row);
        for (int32_t ky = 0; ky < w->kernel_h; ky++)
            for (size_t kx = 0; kx < (size_t)w->kernel_w; kx++)
                for (size_t j = 0; j < channels; j++)
                    *column++ = ring + (size_t)((top + ky + w->pad_top) % w->kernel_h) * r->row
                        + (j * stride + kx % stride) * r->columns + kx / stride;
        task.out = out + y % slots * task.m * task.out_stride;
        r->kernels->columns_f32(&task);
    }
}
