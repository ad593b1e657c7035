/* uint8 x int8 convolution by 3x3 filters with stride 1 in half the time: Winograd's F(4,3) in integers, exactly; see
 * slim_winograd_u8_task. Included by `isa/ISA.c`; only AVX-512 VNNI has it.
 *
 * A quarter of the multiplications, of 16-bit values: inputs less 128 grow to at most 100 * 128. Filters are scaled by 24 in
 * each direction to make them integers (the last row by 12, which fits 144 * 128 into 16 bits: outputs make up for it).
 * Products are summed modulo 2^32, where 576 times an output divides exactly: by 9, which has an inverse, and by 64, which
 * leaves 26 bits. SLIM_WINOGRAD_U8_MOST channels cannot exceed them. */
#ifdef SLIM_WINOGRADS

/* B d: six values, `step` apart, to six. */
SLIM_TILE void SLIM_NAME(slim_winograd_u8_in)(const __m512i *d, const int step, __m512i *to)
{
    const __m512i a = _mm512_sub_epi16(d[4 * step], _mm512_slli_epi16(d[2 * step], 2));
    const __m512i b = _mm512_sub_epi16(d[3 * step], _mm512_slli_epi16(d[step], 2));
    const __m512i c = _mm512_sub_epi16(d[4 * step], d[2 * step]);
    const __m512i e = _mm512_slli_epi16(_mm512_sub_epi16(d[3 * step], d[step]), 1);
    to[0] = _mm512_add_epi16(_mm512_slli_epi16(_mm512_sub_epi16(d[0], d[2 * step]), 2), c);
    to[1] = _mm512_add_epi16(a, b);
    to[2] = _mm512_sub_epi16(a, b);
    to[3] = _mm512_add_epi16(c, e);
    to[4] = _mm512_sub_epi16(c, e);
    to[5] = _mm512_sub_epi16(_mm512_sub_epi16(d[5 * step], d[3 * step]), _mm512_slli_epi16(e, 1));
}

/* A tile's 36 pixels to planes of [tile][k] 16-bit integers. */
SLIM_STEP void SLIM_NAME(slim_winograd_u8_input)(const uint8_t *const *pixels, size_t k, int16_t *to, size_t plane)
{
    const __m256i middle = _mm256_set1_epi8((char)128);
    SLIM_ROLL
    for (size_t c = 0; c < k; c += 32, to += 32) {
        __m512i d[36], row[6];
        int i, j;
        SLIM_UNROLL
        for (j = 0; j < 6; j++) {
            __m512i column[6];
            SLIM_UNROLL
            for (i = 0; i < 6; i++)
                column[i] = _mm512_cvtepi8_epi16(_mm256_xor_si256(
                    _mm256_loadu_si256((const __m256i *)(const void *)(pixels[6 * i + j] + c)), middle));
            SLIM_NAME(slim_winograd_u8_in)(column, 1, row);
            SLIM_UNROLL
            for (i = 0; i < 6; i++)
                d[6 * i + j] = row[i];
        }
        SLIM_ROLL
        for (i = 0; i < 6; i++) {
            SLIM_NAME(slim_winograd_u8_in)(d + 6 * i, 1, row);
            SLIM_UNROLL
            for (j = 0; j < 6; j++)
                _mm512_storeu_si512((void *)(to + (size_t)(6 * i + j) * plane), row[j]);
        }
    }
}

/* G g: three values, `step` apart, to six. */
SLIM_TILE void SLIM_NAME(slim_winograd_u8_filter)(const __m512i *g, const int step, __m512i *to)
{
    const __m512i sum = _mm512_add_epi16(g[0], g[2 * step]), four = _mm512_set1_epi16(-4);
    const __m512i even = _mm512_add_epi16(g[0], _mm512_slli_epi16(g[2 * step], 2)), odd = _mm512_slli_epi16(g[step], 1);
    to[0] = _mm512_mullo_epi16(g[0], _mm512_set1_epi16(6));
    to[1] = _mm512_mullo_epi16(_mm512_add_epi16(sum, g[step]), four);
    to[2] = _mm512_mullo_epi16(_mm512_sub_epi16(sum, g[step]), four);
    to[3] = _mm512_add_epi16(even, odd);
    to[4] = _mm512_sub_epi16(even, odd);
    to[5] = _mm512_mullo_epi16(g[2 * step], _mm512_set1_epi16(12));
}

/* A panel's filters, [9][k / 4][16][4] bytes, to planes of [k / 2][16][2]. */
SLIM_STEP void SLIM_NAME(slim_winograd_u8_weights)(const int8_t *weights, size_t k, int16_t *to, size_t plane)
{
    /* the first and the second two of each four, as upper bytes of 16 bits */
    const __m512i pairs[2] = {
        _mm512_broadcast_i32x4(_mm_setr_epi8(-1, 0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13)),
        _mm512_broadcast_i32x4(_mm_setr_epi8(-1, 2, -1, 3, -1, 6, -1, 7, -1, 10, -1, 11, -1, 14, -1, 15)),
    };
    SLIM_ROLL
    for (size_t c = 0; c < k; c += 2, to += 32) {
        const int8_t *from = weights + c / 4 * 64;
        __m512i g[9], columns[18], row[6];
        int i, j;
        SLIM_UNROLL
        for (i = 0; i < 9; i++)
            g[i] = _mm512_srai_epi16(_mm512_shuffle_epi8(SLIM_VI_LOAD(from + (size_t)i * 16 * k), pairs[c / 2 % 2]), 8);
        SLIM_UNROLL
        for (j = 0; j < 3; j++) {
            SLIM_NAME(slim_winograd_u8_filter)(g + j, 3, row);
            SLIM_UNROLL
            for (i = 0; i < 6; i++)
                columns[3 * i + j] = row[i];
        }
        SLIM_ROLL
        for (i = 0; i < 6; i++) {
            SLIM_NAME(slim_winograd_u8_filter)(columns + 3 * i, 1, row);
            SLIM_UNROLL
            for (j = 0; j < 6; j++)
                _mm512_storeu_si512((void *)(to + (size_t)(6 * i + j) * plane), row[j]);
        }
    }
}

SLIM_TILE __m512i SLIM_NAME(slim_winograd_u8_dot)(__m512i x, __m512i w, __m512i acc)
{
    __asm__("vpdpwssd %2, %1, %0" : "+v"(acc) : "v"(x), "v"(w));   /* as text for the reason that vpdpbusd has */
    return acc;
}

/* `mr` tiles of a plane by two panels: out[mr][32] = sum over k of in[mr][k] * weights[2][k / 2][16][2]. */
SLIM_TILE void SLIM_NAME(slim_winograd_u8_tile)(const int16_t *in, size_t k, const int16_t *weights, int32_t *out, const int mr)
{
    __m512i acc[14][2];
    int i;
    SLIM_UNROLL
    for (i = 0; i < mr; i++)
        acc[i][0] = acc[i][1] = _mm512_setzero_si512();
    SLIM_ROLL
    for (size_t c = 0; c < k; c += 2) {
        const __m512i w0 = SLIM_VI_LOAD(weights + c * 16), w1 = SLIM_VI_LOAD(weights + (k + c) * 16);
        SLIM_UNROLL
        for (i = 0; i < mr; i++) {
            const __m512i x = SLIM_DOT_LOAD_X((const uint8_t *)(const void *)(in + (size_t)i * k + c));
            acc[i][0] = SLIM_NAME(slim_winograd_u8_dot)(x, w0, acc[i][0]);
            acc[i][1] = SLIM_NAME(slim_winograd_u8_dot)(x, w1, acc[i][1]);
        }
    }
    SLIM_UNROLL
    for (i = 0; i < mr; i++) {
        SLIM_VI_STORE(out + i * 32, acc[i][0]);
        SLIM_VI_STORE(out + i * 32 + 16, acc[i][1]);
    }
}

SLIM_STEP void SLIM_NAME(slim_winograd_u8_product)(const int16_t *in, size_t tiles, size_t k, const int16_t *weights, int32_t *out)
{
    size_t i = 0;
    for (; i + 14 <= tiles; i += 14)
        SLIM_NAME(slim_winograd_u8_tile)(in + i * k, k, weights, out + i * 32, 14);
    for (; i < tiles; i += 7)
        SLIM_NAME(slim_winograd_u8_tile)(in + i * k, k, weights, out + i * 32, 7);
}

/* A m: six values to four. */
SLIM_TILE void SLIM_NAME(slim_winograd_u8_out)(const __m512i *m, __m512i *to)
{
    const __m512i a = _mm512_add_epi32(m[1], m[2]), b = _mm512_sub_epi32(m[1], m[2]);
    const __m512i c = _mm512_add_epi32(m[3], m[4]), e = _mm512_slli_epi32(_mm512_sub_epi32(m[3], m[4]), 1);
    to[0] = _mm512_add_epi32(_mm512_add_epi32(m[0], a), c);
    to[1] = _mm512_add_epi32(b, e);
    to[2] = _mm512_add_epi32(a, _mm512_slli_epi32(c, 2));
    to[3] = _mm512_add_epi32(_mm512_add_epi32(b, _mm512_slli_epi32(e, 2)), _mm512_slli_epi32(m[5], 1));
}

/* One tile of 16 channels, of which `last` are stored. */
SLIM_TILE void SLIM_NAME(slim_winograd_u8_output)(const slim_winograd_u8_task *task, const int32_t *planes, size_t plane,
                                                  const slim_winograd_u8_place *place, size_t channel)
{
    const size_t last = SLIM_MIN(task->n - channel, (size_t)SLIM_LANES);
    const int32_t *table = task->channels + 3 * channel;
    const SLIM_BYTES bytes = SLIM_BYTES_OF(task->lo, task->hi, task->zero_point);
    const __m512i bias = _mm512_add_epi32(SLIM_VI_LOAD(table), SLIM_VI_LOAD(table + SLIM_PANEL));
    const __m512i ninth = _mm512_set1_epi32(0x38e38e39);   /* 9 times this is 2^33 + 1 */
    const __m512 multiplier = SLIM_VF_LOAD_BITS(table + 2 * SLIM_PANEL);
    const size_t stride = task->out_stride;
    const int whole = place->columns == 4;
    uint8_t *out = place->out + channel;
    __m512i half[24];
    int i, j;
    SLIM_UNROLL
    for (j = 0; j < 6; j++) {
        __m512i m[6], to[4];
        SLIM_UNROLL
        for (i = 0; i < 6; i++)
            m[i] = SLIM_VI_LOAD(planes + (size_t)(6 * i + j) * plane);
        SLIM_NAME(slim_winograd_u8_out)(m, to);
        SLIM_UNROLL
        for (i = 0; i < 4; i++)
            half[6 * i + j] = to[i];
    }
    SLIM_ROLL
    for (i = 0; i < place->rows; i++, out += task->out_row) {
        uint8_t edge[4 * SLIM_LANES];
        __m512i y[4];
        __m512 x[4];
        SLIM_NAME(slim_winograd_u8_out)(half + 6 * i, y);
        SLIM_UNROLL
        for (j = 0; j < 4; j++)
            x[j] = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_add_epi32(
                _mm512_srai_epi32(_mm512_mullo_epi32(y[j], ninth), 6), bias)), multiplier);
        if (whole) {
            SLIM_BYTES_STORE_ROWS(out, stride, x, 1, last, bytes);
            continue;
        }
        SLIM_BYTES_STORE_ROWS(edge, SLIM_LANES, x, 1, SLIM_LANES, bytes);
        for (j = 0; j < place->columns; j++)
            __builtin_memcpy(out + (size_t)j * stride, edge + j * SLIM_LANES, last);
    }
}

SLIM_STEP void SLIM_NAME(slim_winograd_u8_outputs)(const slim_winograd_u8_task *task, const int32_t *planes, size_t plane,
                                                   size_t channel)
{
    for (size_t i = 0; i < task->tiles; i++, planes += 2 * SLIM_PANEL)
        for (size_t v = 0; v < 2 && channel + v * SLIM_PANEL < task->n; v++)
            SLIM_NAME(slim_winograd_u8_output)(task, planes + v * SLIM_PANEL, plane, &task->places[i], channel + v * SLIM_PANEL);
}

SLIM_STEP void SLIM_NAME(slim_winograd_u8)(const slim_winograd_u8_task *task)
{
    const size_t k = task->k, whole = slim_ceil_div(task->tiles, SLIM_WINOGRAD_U8_TILES) * SLIM_WINOGRAD_U8_TILES;
    const size_t input = whole * k + SLIM_WINOGRAD_U8_PAD, filter = 2 * SLIM_PANEL * k + SLIM_WINOGRAD_U8_PAD;
    const size_t output = whole * 2 * SLIM_PANEL + SLIM_WINOGRAD_U8_PAD / 2;
    int16_t *inputs = task->memory, *filters = inputs + 36 * input;
    int32_t *outputs = (int32_t *)(void *)(filters + 36 * filter);
    for (size_t i = 0; i < task->tiles; i++)
        SLIM_NAME(slim_winograd_u8_input)(task->pixels + 36 * i, k, inputs + i * k, input);
    for (size_t channel = 0; channel < task->n; channel += 2 * SLIM_PANEL) {
        for (size_t v = 0; v < 2; v++) {   /* the last panel stands in for one that is not there */
            const size_t panel = SLIM_MIN(channel / SLIM_PANEL + v, (task->n - 1) / SLIM_PANEL);
            SLIM_NAME(slim_winograd_u8_weights)(task->weights + panel * 9 * k * SLIM_PANEL, k, filters + v * k * SLIM_PANEL, filter);
        }
        for (size_t e = 0; e < 36; e++)
            SLIM_NAME(slim_winograd_u8_product)(inputs + e * input, whole, k, filters + e * filter, outputs + e * output);
        SLIM_NAME(slim_winograd_u8_outputs)(task, outputs, output, channel);
    }
}
#endif
