/* Resizing of images in fp32, NHWC: nearest neighbour or bilinear, with ONNX's ways to map an output pixel to the input. */
#include "ops/check.h"
#include "ops/rounding.h"

enum { RESIZE_NEAREST, RESIZE_LINEAR, RESIZE_MODES };
enum { RESIZE_HALF_PIXEL, RESIZE_ASYMMETRIC, RESIZE_ALIGN_CORNERS, RESIZE_PYTORCH_HALF_PIXEL, RESIZE_COORDINATES };
enum { RESIZE_PREFER_FLOOR, RESIZE_PREFER_CEIL, RESIZE_FLOOR, RESIZE_CEIL, RESIZE_ROUNDINGS };
enum { RESIZE_LIMIT = 1 << 22 };   /* of an axis: indices are exact floats */

SLIM_COLD static slim_status resize_prepare(slim_prepare *p)
{
    const slim_resize_f32_attributes *a = (const slim_resize_f32_attributes *)p->attributes;
    slim_status status;
    int32_t dims[4];
    if ((status = slim_prepare_expect(p, 0, SLIM_F32, 4, 0)) != SLIM_OK || (status = slim_check_output_type(p, 0, SLIM_F32)) != SLIM_OK)
        return status;
    const slim_value *x = slim_prepare_input(p, 0);
    if (a->mode < 0 || a->mode >= RESIZE_MODES || a->coordinates < 0 || a->coordinates >= RESIZE_COORDINATES || a->nearest < 0
        || a->nearest >= RESIZE_ROUNDINGS)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the mode is unknown");
    if (!(a->scale_h > 0.0f) || !(a->scale_w > 0.0f) || x->dims[1] > RESIZE_LIMIT || x->dims[2] > RESIZE_LIMIT
        || a->out_h > RESIZE_LIMIT || a->out_w > RESIZE_LIMIT)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "a scale is not positive, or an axis is longer than the core takes");
    dims[0] = x->dims[0];
    dims[1] = a->out_h;
    dims[2] = a->out_w;
    dims[3] = x->dims[3];
    return slim_prepare_output(p, 0, 4, dims);
}

/* Where an output position lies on the input's axis, kept within a pixel of it. */
static float resize_coordinate(int coordinates, int32_t at, int32_t in, int32_t out, float scale)
{
    float x;
    if (coordinates == RESIZE_ASYMMETRIC)
        /* a scale that is the quotient of the sizes is used unrounded: ties stay ties, as in onnxruntime */
        x = scale == (float)out / (float)in ? (float)((double)at * in / out) : (float)at / scale;
    else if (coordinates == RESIZE_ALIGN_CORNERS)
        x = out == 1 ? 0.0f : (float)at * (float)(in - 1) / (float)(out - 1);
    else if (coordinates == RESIZE_PYTORCH_HALF_PIXEL && out == 1)
        x = 0.0f;
    else
        x = ((float)at + 0.5f) / scale - 0.5f;
    x = x > -1.0f ? x : -1.0f;
    return x < (float)in ? x : (float)in;
}

static int32_t resize_round(int rounding, float x)
{
    float floor = slim_floor(x);
    switch (rounding) {
    case RESIZE_PREFER_FLOOR: return (int32_t)(x - floor > 0.5f ? floor + 1.0f : floor);
    case RESIZE_PREFER_CEIL: return (int32_t)(x - floor >= 0.5f ? floor + 1.0f : floor);
    case RESIZE_FLOOR: return (int32_t)floor;
    default: return (int32_t)-slim_floor(-x);
    }
}

/* The two input positions that an output position reads, and the weight of the second. */
typedef struct resize_pair {
    size_t first, second;
    float weight;
} resize_pair;

static resize_pair resize_at(const slim_resize_f32_attributes *a, int32_t at, int32_t in, int32_t out, float scale)
{
    float x = resize_coordinate(a->coordinates, at, in, out, scale);
    resize_pair pair;
    if (a->mode == RESIZE_NEAREST) {
        int32_t nearest = resize_round(a->nearest, x);
        pair.first = pair.second = (size_t)SLIM_MIN(SLIM_MAX(nearest, 0), in - 1);
        pair.weight = 0.0f;
        return pair;
    }
    x = x > 0.0f ? x : 0.0f;
    x = x < (float)(in - 1) ? x : (float)(in - 1);
    pair.first = (size_t)x;
    pair.second = SLIM_MIN(pair.first + 1, (size_t)in - 1);
    pair.weight = x - (float)pair.first;
    return pair;
}

SLIM_VECTORIZE static void resize_blend(float *__restrict to, const float *__restrict top_left, const float *__restrict top_right,
                         const float *__restrict low_left, const float *__restrict low_right, float down, float right, size_t n)
{
    float a = (1.0f - down) * (1.0f - right), b = (1.0f - down) * right, c = down * (1.0f - right), d = down * right;
    for (size_t i = 0; i < n; i++)
        to[i] = a * top_left[i] + b * top_right[i] + c * low_left[i] + d * low_right[i];
}

/* A task is a row of output pixels. */
static void resize_row(void *context, size_t index, int worker)
{
    const slim_step *s = (const slim_step *)context;
    const slim_resize_f32_attributes *a = (const slim_resize_f32_attributes *)s->attributes;
    const slim_value *x = slim_step_input(s, 0);
    const slim_value *y = slim_step_output(s, 0);
    size_t channels = (size_t)x->dims[3], in_w = (size_t)x->dims[2], image = index / (size_t)y->dims[1];
    resize_pair rows = resize_at(a, (int32_t)(index % (size_t)y->dims[1]), x->dims[1], a->out_h, a->scale_h);
    const float *base = (const float *)x->data + image * (size_t)x->dims[1] * in_w * channels;
    const float *top = base + rows.first * in_w * channels, *low = base + rows.second * in_w * channels;
    float *to = (float *)y->data + index * (size_t)a->out_w * y->row_stride;
    (void)worker;
    for (int32_t column = 0; column < a->out_w; column++, to += y->row_stride) {
        resize_pair columns = resize_at(a, column, x->dims[2], a->out_w, a->scale_w);
        size_t left = columns.first * channels, right = columns.second * channels;
        if (a->mode == RESIZE_NEAREST)
            slim_copy(to, top + left, channels * sizeof(float));
        else
            resize_blend(to, top + left, top + right, low + left, low + right, rows.weight, columns.weight, channels);
    }
}

static void resize_run(const slim_step *s)
{
    const slim_value *y = slim_step_output(s, 0);
    slim_parallel(s, (size_t)y->dims[0] * (size_t)y->dims[1], resize_row, (void *)(uintptr_t)s);
}

SLIM_INTERNAL const slim_operator slim_op_resize_f32 = {
    SLIM_OP_RESIZE_F32, 1, 1, 1, sizeof(slim_resize_f32_attributes) / 4, 1, "resize_f32", resize_prepare, resize_run,
};
