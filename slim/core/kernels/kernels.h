/* The vector kernels: what an operator hands to them, and the table that each instruction set fills.
 *
 * A kernel file `kernels/NAME.c` is written once on the vector words of `isa/ISA.h` and compiled once for each instruction
 * set. Operators cut their work into tasks, point at rows, and call through the table that the session has chosen. */
#ifndef SLIM_KERNELS_H
#define SLIM_KERNELS_H

#include "base/internal.h"
#include "include/slim_selection.h"

/* What the products that Strassen's algorithm is made of have besides: weights that lie in a larger matrix or are the
 * difference of two, and more than one sum to add. They are two panels wide. A difference takes the place of the weights of panel p,
 * weights + p * panel_stride: those less minus + p * minus_stride are written to difference + p * taps * k * 16, which may be
 * where either comes from. */
enum { SLIM_GEMM_F32_SUMS = 3, SLIM_GEMM_F32_PART_PANELS = 2 };

typedef struct slim_gemm_f32_part {
    size_t panel_stride;          /* floats */
    const float *minus;           /* or NULL */
    size_t minus_stride;
    float *difference;
    const float *sums[SLIM_GEMM_F32_SUMS];   /* [m][sums_stride] each, or NULL; `out` may be one of them */
    size_t sums_stride;
    const float *fetch[2];        /* [m][fetch_stride] each: come into the second-level cache meanwhile; or both NULL */
    size_t fetch_stride;
} slim_gemm_f32_part;

/* out[i][o] = clamp(bias[o] + sum over taps t and j < k of rows[i][t][j] * weights[o][t * k + j] + residual[i][o]).
 * A row pointer for each output pixel and tap serves 1x1, KxK, strided, dilated and padded convolution and dense alike. */
typedef struct slim_gemm_f32_task {
    const float *const *rows;     /* [m][taps], each to k floats */
    size_t m, taps, k;
    const float *weights;         /* [panels][taps * k][16], 64-byte aligned; panels = ceil(n / 16) */
    const float *bias;            /* [panels * 16] */
    const float *residual;        /* [m][residual_stride], or NULL */
    const slim_gemm_f32_part *part;   /* NULL: the whole of a product */
    float *out;                   /* [m][out_stride] */
    size_t residual_stride, out_stride;
    size_t n;                     /* output channels: exactly these are stored */
    float lo, hi;                 /* clamp; -inf and inf where there is none */
    int alone;                    /* n is the whole product's however many threads there are, and may choose the sums' order */
} slim_gemm_f32_task;

/* slim_gemm_f32_task with rows and weights of bf16; sums are fp32. */
typedef struct slim_gemm_bf16_task {
    const uint16_t *const *rows;  /* [m][taps], each to 2 * pairs values */
    size_t m, taps, pairs;
    const int32_t *weights;       /* [panels][taps * pairs][16], two in each: the first is the lower half */
    const float *bias;            /* [panels * 16] */
    const float *residual;        /* [m][residual_stride], or NULL; `out` is apart */
    float *out;                   /* [m][out_stride] */
    size_t residual_stride, out_stride;
    size_t n;
    float lo, hi;
} slim_gemm_bf16_task;

/* Its rows: pixels rounded to nearest, ties to even. */
typedef struct slim_round_bf16_task {
    const float *from;            /* [pixels][k] */
    size_t pixels, k;
    uint16_t *to;                 /* [pixels][to_stride]; k values of each and zeros up to a multiple of 32 are written */
    size_t to_stride;
} slim_round_bf16_task;

/* acc[i][o] = bias[o] + sum of rows[i][t][j] * weights[o][t][j] in 32-bit integers (wrapping), then
 *   integer output: out = zero_point + round_to_even(clamp((float)acc * multiplier[o], lo, hi)) as uint8
 *   float output:   out = clamp((float)acc * multiplier[o], lo, hi) as float
 * clamp(x) is: x = x > lo ? x : lo; x = x < hi ? x : hi. lo and hi are relative to the zero point, so that the result fits. */
typedef struct slim_gemm_u8_task {
    const uint8_t *const *rows;   /* [m][taps + rests], to k bytes, and to `rest`; up to 3 after them may be read and are ignored */
    size_t m, taps, k;
    size_t rests, rest;           /* shorter taps after those */
    const int8_t *weights;        /* [panels][taps * ceil(k / 4) + rests * ceil(rest / 4)][16][4], zero where bytes end; 64-byte
                                     aligned */
    const int32_t *channels;      /* [panels][3][16]: bias less zero point times weights, 128 times the sum of the weights
                                     (for kernels that subtract 128 to make signed bytes), multiplier as float bits */
    void *out;                    /* [m][out_stride] of uint8_t or float */
    size_t out_stride;            /* in elements */
    size_t n;
    float lo, hi;
    int32_t zero_point;           /* of the output */
    int float_output;
} slim_gemm_u8_task;

/* A row of output pixels of a convolution by three columns with stride 1, in the arithmetic of slim_gemm_u8_task. */
enum { SLIM_SLIDE_U8_WIDTH = 16 };   /* output pixels that a row must have */
typedef struct slim_slide_u8_task {
    const uint8_t *const *pixels; /* [kernel_h][width + 2], each to k bytes; up to 3 bytes after them may be read */
    size_t width, kernel_h, k;
    const int8_t *weights;        /* [panels][kernel_h * 3][ceil(k / 4)][16][4] */
    const int32_t *channels;      /* [panels][3][16] */
    uint8_t *out;                 /* [width][out_stride] */
    size_t out_stride, n;
    float lo, hi;
    int32_t zero_point;
} slim_slide_u8_task;

/* Some tiles of 4x4 output pixels of a 3x3 convolution with stride 1, in the arithmetic of slim_gemm_u8_task. `memory` has
 * SLIM_WINOGRAD_U8_BYTES of tiles and k. */
enum {
    SLIM_WINOGRAD_U8_TILES = 7,       /* numbers of tiles are rounded up to this */
    SLIM_WINOGRAD_U8_CHANNELS = 32,   /* k is a multiple of this, */
    SLIM_WINOGRAD_U8_MOST = 224,      /* and at most so large: 9 * 224 * 128 * 128 < 2^25 */
    SLIM_WINOGRAD_U8_PAD = 32         /* values between planes, against cache sets that coincide */
};
#define SLIM_WINOGRAD_U8_BYTES(tiles, k) \
    ((size_t)72 * (((tiles) + 32) * (k) + 2 * SLIM_WINOGRAD_U8_PAD) + (size_t)144 * (32 * (tiles) + SLIM_WINOGRAD_U8_PAD / 2))

typedef struct slim_winograd_u8_place {
    uint8_t *out;                 /* a tile's first output pixel */
    int rows, columns;            /* 4, or fewer where it hangs over the edge */
} slim_winograd_u8_place;

typedef struct slim_winograd_u8_task {
    const uint8_t *const *pixels; /* [tiles][36], each to k bytes */
    const slim_winograd_u8_place *places;   /* [tiles] */
    size_t tiles, k, n;
    const int8_t *weights;        /* [panels][9][k / 4][16][4] */
    const int32_t *channels;      /* [panels][3][16] */
    size_t out_stride, out_row;   /* bytes from an output pixel to the next, and to the row below */
    float lo, hi;
    int32_t zero_point;
    int16_t *memory;              /* 64-byte aligned */
} slim_winograd_u8_task;

/* A depthwise convolution (one filter a channel) of some output rows. rows[] are the input rows that they touch: output row
 * r, filter row y reads rows[r * stride_h + y * dilation_h], NULL where that lies in the padding. */
typedef struct slim_depthwise_f32_task {
    const float *const *rows;     /* each [in_width][channels] */
    size_t out_rows, out_width, in_width, channels;
    int kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_left;
    const float *weights;         /* [ceil(channels / 16)][kernel_h * kernel_w][16] */
    const float *bias;            /* [ceil(channels / 16) * 16] */
    float *out;                   /* [out_rows][out_row_stride], pixels out_stride apart */
    size_t out_stride, out_row_stride;
    float lo, hi;
} slim_depthwise_f32_task;

/* Whether this build has kernels for a depthwise convolution's window (a slim_window): a single file may leave out those for any. */
#if SLIM_HAS_DEPTHWISE_ANY
#define SLIM_DEPTHWISE_THERE(w) 1
#else
#define SLIM_DEPTHWISE_THERE(w) \
    ((w)->kernel_h == (w)->kernel_w && ((w)->kernel_h == 3 || (SLIM_HAS_DEPTHWISE_5 && (w)->kernel_h == 5)) \
     && (w)->stride_h == (w)->stride_w && (w)->stride_h <= 2 && (w)->dilation_h == 1 && (w)->dilation_w == 1)
#endif

typedef struct slim_depthwise_u8_task {
    const uint8_t *const *rows;
    size_t out_rows, out_width, in_width, channels;
    int kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_left;
    const int8_t *weights;        /* [ceil(channels / 16)][kernel_h * kernel_w][16] */
    const int32_t *channels_table;  /* [ceil(channels / 16)][3][16], as slim_gemm_u8_task.channels */
    uint8_t *out;
    size_t out_stride, out_row_stride;
    float lo, hi;
    int32_t zero_point;           /* of the output */
    int32_t input_zero_point;     /* what the padding reads */
} slim_depthwise_u8_task;

/* x = multiplier_a * (a - zero_a) + multiplier_b * (b - zero_b), or (a - zero_a) * (b - zero_b), in 32-bit integers, then
 * out = zero_point + round_to_even(clamp((float)x * scale, lo, hi)). `out` may be a or b. */
typedef struct slim_pair_u8_task {
    const uint8_t *a, *b;         /* [n] each */
    uint8_t *out;
    size_t n;
    int product;
    int32_t zero_a, zero_b, multiplier_a, multiplier_b;
    float scale, lo, hi;
    int32_t zero_point;           /* of the output */
} slim_pair_u8_task;

/* Sums of bytes over rows x columns pixels, less `zeros`, in 32-bit integers; then as slim_pair_u8_task. */
typedef struct slim_mean_u8_task {
    const uint8_t *in;            /* the first pixel */
    size_t rows, columns, row_step, column_step;   /* steps in bytes */
    uint8_t *out;
    size_t n;                     /* channels */
    int32_t zeros;
    float scale, lo, hi;
    int32_t zero_point;           /* of the output */
} slim_mean_u8_task;

/* out[c] = the largest of channel c over rows x columns pixels, at least one. `out` overlaps none of them. */
typedef struct slim_max_u8_task {
    const uint8_t *from;          /* the first pixel */
    size_t rows, columns, row_step, column_step;   /* steps in bytes */
    uint8_t *out;
    size_t n;                     /* channels, at least 16 */
} slim_max_u8_task;

/* to = zero_point + round_to_even(clamp(from * factor, lo, hi)). 1 where that is surely what dividing by the scale gives: the
 * square of each distance from an integer is below `limit`, and every value is finite. */
typedef struct slim_quantize_u8_task {
    const float *from;            /* [n] */
    uint8_t *to;
    size_t n;
    float factor, limit, lo, hi;
    int32_t zero_point;
} slim_quantize_u8_task;

/* Winograd's F(3,3), F(4,3) and F(6,3) for 3x3 convolutions (Lavin and Gray, arXiv 1509.09308): tiles with sides of 3, 4 or 6 output
 * pixels are transformed to values at the first 5, 6 or all of 8 points a side: 0, 1, -1, 2, infinity; -2; 1/2, -1/2. Plane (i, j)
 * holds value (i, j) of every filter, or of every transformed tile or its products that has such a value. */
#define SLIM_WINOGRAD_SIDE 8
#define SLIM_WINOGRAD_CHANNELS 32   /* whose taps lie side by side */
typedef struct slim_winograd_f32_weights {
    const float *weights;         /* a panel of filters: tap t at t * tap_stride: [channels][16] */
    size_t tap_stride, channels;
    size_t points;                /* of a side: 6 or 8 */
    float *planes;                /* plane (i, j) at (i * points + j) * plane_stride: [channels][16] */
    size_t plane_stride;
} slim_winograd_f32_weights;

/* One tile of the input, */
typedef struct slim_winograd_f32_input {
    const float *pixels[SLIM_WINOGRAD_SIDE];   /* of each row the first one in the image, pixel_stride floats from the next */
    size_t channels, pixel_stride;   /* up to 60 bytes after a pixel's channels are read */
    size_t first, count;          /* columns before those in the image, which are zeros as those behind, and in it */
    size_t rows, columns;         /* outputs of the tile: 3, 4 or 6 */
    float *planes[SLIM_WINOGRAD_SIDE];   /* (0, j), and (i, j) plane_row * i after it: a panel's multiple of floats is written */
    size_t plane_row;
} slim_winograd_f32_input;

/* products of one plane, out[i][o] = (add ? out[i][o] : 0) + sum over j < k of in[i][j] * weights[o][j], */
typedef struct slim_winograd_f32_product {
    const float *in;              /* [m][in_stride] */
    size_t m, k, in_stride;
    const float *weights;         /* [panels][k][16] */
    size_t panels;
    float *out;                   /* [m][out_stride] */
    size_t out_stride;
    int add;
} slim_winograd_f32_product;

/* products of all planes of a few tiles, whose filters are transformed on the way, for AVX-512: of up to four with sides of 4, of
 * four with sides of 4 and 3, or of nine with sides of 6, 4 and 4, */
#define SLIM_WINOGRAD_FEW 4
#define SLIM_WINOGRAD_NINE_ROW 60   /* of nine: in a row six planes of 9 tiles, and two of 3, those that have 6 columns */
enum slim_winograd_tiles { SLIM_WINOGRAD_MANY, SLIM_WINOGRAD_FOURS, SLIM_WINOGRAD_MIXED, SLIM_WINOGRAD_NINE };
typedef struct slim_winograd_f32_few {
    enum slim_winograd_tiles tiles;
    const float *in;              /* [ceil(k / 32)][36][4][32], or [ceil(k / 32)][8][60][32] */
    size_t k;
    const float *weights, *next;  /* a panel of filters, [ceil(k / 32)][9][32 or what is left][16], and the one that comes next */
    float *out;                   /* [36][4][16], or [8][60][16] */
} slim_winograd_f32_few;

/* and one tile of the output. */
typedef struct slim_winograd_f32_output {
    const float *planes[SLIM_WINOGRAD_SIDE];   /* (0, j), as of the input: the products of this tile, a panel's multiple of floats */
    size_t plane_row;
    size_t rows, columns;         /* outputs of the tile: 3, 4 or 6 */
    const float *bias;            /* [ceil(n / 16) * 16] */
    float *out;                   /* [out_rows][out_columns], out_row and out_stride floats apart, each n floats */
    size_t out_row, out_stride;
    const float *residual;        /* the same with strides of its own; NULL where there is none */
    size_t residual_row, residual_stride;
    size_t out_rows, out_columns; /* fewer than the tile's where it hangs over the edge */
    size_t n;
    float lo, hi;
} slim_winograd_f32_output;

/* out[i][o] = clamp(bias[o] + sum over k of columns[k][i] * weights[o][k]): row i of the left side is the i-th of all columns. */
typedef struct slim_columns_f32_task {
    const float *const *columns;  /* [k], each to m floats */
    size_t m, k, n;
    const float *weights;         /* [ceil(n / 16)][k][16] */
    const float *bias;            /* [ceil(n / 16) * 16] */
    float *out;                   /* [m][out_stride] */
    size_t out_stride;
    float lo, hi;
} slim_columns_f32_task;

/* A row of tiles of a convolution with stride 2 of an image (C, H, W), by Winograd's F(4,4): 4x4 outputs a tile, from 14x14
 * inputs. `memory` holds the transformed image and a row of points' products: SLIM_STRIDED_FLOATS(channels). */
#define SLIM_STRIDED_TILES 16     /* at once, at most */
#define SLIM_STRIDED_POINTS 7     /* of a tile's side */
#define SLIM_STRIDED_FLOATS(channels) (SLIM_STRIDED_POINTS * SLIM_STRIDED_TILES * 4 * (SLIM_STRIDED_POINTS * (channels) + 16))
typedef struct slim_winograd_image_f32 {
    const float *image;           /* [channels][in_h][in_w] */
    size_t channels;
    int32_t in_h, in_w, top, left;   /* size; the first tile's first row and column, which may lie outside */
    const float *weights;         /* as slim_winograd_image_weights writes them */
    const float *bias;            /* [ceil(n / 16) * 16] */
    float *out;                   /* output pixels, out_stride apart, and rows out_row apart */
    size_t out_stride, out_row;
    size_t rows, columns;         /* of them: up to 4 and to 4 * SLIM_STRIDED_TILES */
    size_t n;
    float lo, hi;
    float *memory;
} slim_winograd_image_f32;

/* Its filters of 16 outputs, transformed: 49 * 4 * channels * 16 floats, in an instruction set's order. */
typedef struct slim_winograd_image_weights {
    const float *weights;         /* [kernel_h * kernel_w * channels][16] */
    size_t channels, kernel_h, kernel_w;   /* the window up to 8x8 */
    float *out;
} slim_winograd_image_weights;

/* Winograd for 3x3 convolutions with stride 2: tiles of 4 or 3 output pixels a side, of 9 or 7 input pixels a side. A tile's rows
 * of input become values at 5 points of the even ones, 0, 1, -1, 2 and infinity, and at the first four of the odd ones, and so
 * do its columns. Tiles of 3 outputs do without the point 2, which is value 3 and 8. */
#define SLIM_STRIDE2_POINTS 5
#define SLIM_STRIDE2_SIDE 9
#define SLIM_STRIDE2_WIDTH 32     /* output channels, at most, of sums */
#define SLIM_STRIDE2_FLOATS(channels) (slim_ceil_div((channels), SLIM_PANEL) * SLIM_STRIDE2_SIDE * SLIM_PANEL)

/* One tile of the input, */
typedef struct slim_winograd_stride2_input {
    const float *const *pixels;   /* [9][9], each to `channels` floats; up to 60 bytes after them are read */
    size_t channels;
    float *out;                   /* rows of values, row_stride floats apart, each [ceil(channels / 16)][9][16] */
    size_t row_stride;
    int rows, columns;            /* outputs of the tile: 4 or 3 */
} slim_winograd_stride2_input;

/* a panel's filters at the points p = 1, -1, 2 of the rows: of three columns, taps[column] + p * taps[6 + column], */
typedef struct slim_winograd_stride2_weights {
    const float *taps;            /* [9][tap_stride], each [channels][16] */
    size_t tap_stride, channels;
    float *out;                   /* of each point, point_stride floats apart: [3][channels][16] */
    size_t point_stride;
} slim_winograd_stride2_weights;

/* rows of values and the filters that they meet, */
typedef struct slim_winograd_stride2_part {
    const float *in;              /* tiles, in_stride floats apart: [ceil(k / 16)][9][16] */
    const float *weights;         /* [panels][3], panel_stride and column_stride floats apart: [k][16] */
    size_t panel_stride, column_stride;
    const float *fetch;           /* read into the second-level cache: [panels][k][16], fetch_stride floats apart */
} slim_winograd_stride2_part;

/* their products, summed over both parts and k and transformed to a row of outputs, 6 times as
 * large where it has 4, twice where it has 3, */
typedef struct slim_winograd_stride2_product {
    slim_winograd_stride2_part part[2];   /* even, then odd rows */
    int parts;
    size_t tiles, k, in_stride, fetch_stride, panels;
    int outputs;                  /* 4 or 3 */
    float *out;                   /* [tiles][4][SLIM_STRIDE2_WIDTH] */
    int add;                      /* to what is there */
} slim_winograd_stride2_product;

/* and one tile of the output. */
typedef struct slim_winograd_stride2_output {
    const float *sums;            /* of the first point of rows: [4][SLIM_STRIDE2_WIDTH] */
    size_t row_stride;            /* floats to the next point's */
    int outputs;                  /* rows of the tile: 4 or 3 */
    float factor;                 /* of sums */
    const float *bias;            /* [ceil(n / 16) * 16] */
    float *out;                   /* [rows][columns], out_row and out_stride floats apart, each n floats */
    size_t out_row, out_stride;
    const float *residual;        /* the same with strides of its own; NULL where there is none */
    size_t residual_row, residual_stride;
    int rows;                     /* the tile's, or fewer where it hangs over the edge */
    size_t columns, n;
    float lo, hi;
} slim_winograd_stride2_output;

/* out[i][c] = the largest in[i][row][column][c], or their sum times scale, for windows i < count. */
typedef struct slim_pool_f32_task {
    const float *in;              /* the first pixel of the first window */
    size_t rows, columns;         /* of a window, at least one each */
    size_t row_step, column_step, step;   /* floats between rows, columns and windows */
    float *out;
    size_t out_step, count, n;
    int sums;
    float scale;
} slim_pool_f32_task;

/* out[i] = a[i] + b[i], a[i] * b[i], or a[i] * clamp(a[i] / 6 + 0.5, 0, 1). `out` may be a or b. */
enum { SLIM_ELEMENTWISE_ADD, SLIM_ELEMENTWISE_MULTIPLY, SLIM_ELEMENTWISE_HARD_SWISH };

struct slim_kernels {
    const char *name;
    size_t lanes;                 /* floats of a vector */
#if SLIM_HAS_KERNEL_GEMM_F32
    void (*gemm_f32)(const slim_gemm_f32_task *task);
#endif
#if SLIM_HAS_KERNEL_GEMM_U8
    void (*gemm_u8)(const slim_gemm_u8_task *task);
#endif
#if SLIM_HAS_KERNEL_SLIDE_U8
    void (*slide_u8)(const slim_slide_u8_task *task);   /* NULL where gemm_u8 is as fast */
#endif
#if SLIM_HAS_KERNEL_WINOGRAD_U8
    void (*winograd_u8)(const slim_winograd_u8_task *task);   /* NULL where gemm_u8 is as fast */
#endif
#if SLIM_HAS_KERNEL_DEPTHWISE_F32
    void (*depthwise_f32)(const slim_depthwise_f32_task *task);
#endif
#if SLIM_HAS_KERNEL_DEPTHWISE_U8
    void (*depthwise_u8)(const slim_depthwise_u8_task *task);
#endif
#if SLIM_HAS_KERNEL_PAIR_U8
    void (*pair_u8)(const slim_pair_u8_task *task);
#endif
#if SLIM_HAS_KERNEL_LOOKUP_U8
    void (*lookup_u8)(const uint8_t *table, const uint8_t *from, uint8_t *to, size_t n);   /* `to` may be `from` */
#endif
#if SLIM_HAS_KERNEL_MEAN_U8
    void (*mean_u8)(const slim_mean_u8_task *task);
#endif
#if SLIM_HAS_KERNEL_MAX_U8
    void (*max_u8)(const slim_max_u8_task *task);
#endif
#if SLIM_HAS_KERNEL_QUANTIZE_U8
    int (*quantize_u8)(const slim_quantize_u8_task *task);
#endif
#if SLIM_HAS_KERNEL_WINOGRAD_F32
    void (*winograd_weights_f32)(const slim_winograd_f32_weights *task);
    void (*winograd_input_f32)(const slim_winograd_f32_input *task);
    void (*winograd_product_f32)(const slim_winograd_f32_product *task);
    void (*winograd_output_f32)(const slim_winograd_f32_output *task);
    void (*winograd_few_f32)(const slim_winograd_f32_few *task);   /* or NULL */
#endif
#if SLIM_HAS_KERNEL_GEMM_BF16
    /* NULL where the set has none; for processors of which slim_has_bf16 is true */
    void (*gemm_bf16)(const slim_gemm_bf16_task *task);
    void (*round_bf16)(const slim_round_bf16_task *task);
#endif
#if SLIM_HAS_KERNEL_COLUMNS_F32
    void (*columns_f32)(const slim_columns_f32_task *task);
#endif
#if SLIM_HAS_KERNEL_WINOGRAD_IMAGE_F32
    void (*winograd_image_weights_f32)(const slim_winograd_image_weights *task);
    void (*winograd_image_f32)(const slim_winograd_image_f32 *task);
#endif
#if SLIM_HAS_KERNEL_WINOGRAD_STRIDE2_F32
    void (*winograd_stride2_weights_f32)(const slim_winograd_stride2_weights *task);
    void (*winograd_stride2_input_f32)(const slim_winograd_stride2_input *task);
    void (*winograd_stride2_product_f32)(const slim_winograd_stride2_product *task);
    void (*winograd_stride2_output_f32)(const slim_winograd_stride2_output *task);
#endif
#if SLIM_HAS_KERNEL_STRASSEN_F32
    /* Sums of halves of two rows, a = (a11, a12) and b = (a21, a22), `half` floats each: to[0] = a21 + a22,
     * to[1] = to[0] - a11, to[2] = a11 - a21, to[3] = a12 - to[1]; up to 60 bytes after each are written. Copies of a11, a12
     * and a22 go to to[4], to[5] and to[6], unless to[4] is NULL */
    void (*strassen_rows_f32)(const float *a, const float *b, float *const *to, size_t half);
#endif
#if SLIM_HAS_KERNEL_POOL_F32
    void (*pool_f32)(const slim_pool_f32_task *task);
#endif
#if SLIM_HAS_KERNEL_ELEMENTWISE_F32
    void (*elementwise_f32)(int mode, const float *a, const float *b, float *out, size_t count);
#endif
#if SLIM_HAS_KERNEL_UNARY_F32
    /* y[i] = f(x[i]), in place or apart; modes as in ops/unary.h, not all of them */
    void (*unary_f32)(int mode, float alpha, float beta, float *y, const float *x, size_t n);
#endif
#if SLIM_HAS_KERNEL_SOFTMAX_F32
    /* e^(x[i] - max) over their sum, of each row; in place or apart */
    void (*softmax_f32)(float *y, const float *x, size_t rows, size_t n);
#endif
#if SLIM_HAS_KERNEL_LAYER_NORM_F32
    /* (x[i] - mean) / sqrt(variance + epsilon) * scale[i] + bias[i], of each row; in place or apart, bias may be NULL */
    void (*layer_norm_f32)(float *y, const float *x, const float *scale, const float *bias, float epsilon, size_t rows, size_t n);
#endif
};

#if SLIM_HAS_KERNEL_GEMM_BF16
/* Whether the table has kernels for bf16 and this processor their instructions. */
SLIM_INTERNAL SLIM_COLD int slim_has_bf16(const slim_kernels *kernels);
#endif

#endif
