/* Vector words that AVX-512 has with and without VNNI: 32 registers of 16 lanes. */
#include <immintrin.h>

#define SLIM_LANES 16

#define SLIM_VF __m512
#define SLIM_KEEP(v) __asm__("" : "+v"(v))   /* in its register: gcc would load it for each use */
#define SLIM_VF_LOAD(p) _mm512_loadu_ps(p)
#define SLIM_VF_LOAD_BITS(p) _mm512_castsi512_ps(SLIM_VI_LOAD(p))
#define SLIM_VF_STORE(p, v) _mm512_storeu_ps((p), (v))
#define SLIM_VF_SPLAT(x) _mm512_set1_ps(x)
#define SLIM_VF_ADD(a, b) _mm512_add_ps((a), (b))
#define SLIM_VF_SUB(a, b) _mm512_sub_ps((a), (b))
#define SLIM_VF_MUL(a, b) _mm512_mul_ps((a), (b))
#define SLIM_VF_DIV(a, b) _mm512_div_ps((a), (b))
#define SLIM_VF_FMA(x, w, a) _mm512_fmadd_ps((x), (w), (a))
#define SLIM_VF_MAX(a, b) _mm512_max_ps((a), (b))   /* a > b ? a : b */
#define SLIM_VF_MIN(a, b) _mm512_min_ps((a), (b))
#define SLIM_VF_LOAD_PART(p, count) _mm512_maskz_loadu_ps((__mmask16)((1u << (count)) - 1), (p))
#define SLIM_VF_STORE_PART(p, count, v) _mm512_mask_storeu_ps((p), (__mmask16)((1u << (count)) - 1), (v))

/* Floats in turn: those of two vectors, eight of each, first, last, or the first in another order; */
#define SLIM_VF_TURNS_LOW(a, b) _mm512_unpacklo_ps((a), (b))
#define SLIM_VF_TURNS_HIGH(a, b) _mm512_unpackhi_ps((a), (b))
#define SLIM_VF_TURNS_HALF(a, b) \
    _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_unpacklo_ps(_mm512_castps512_ps256(a), _mm512_castps512_ps256(b))), \
                       _mm256_unpackhi_ps(_mm512_castps512_ps256(a), _mm512_castps512_ps256(b)), 1)
/* their sums, in the order of the vectors that they came from; */
#define SLIM_VF_TURNS_SUM(low, high) \
    _mm512_add_ps(_mm512_shuffle_ps((low), (high), 0x88), _mm512_shuffle_ps((low), (high), 0xdd))
#define SLIM_VF_TURNS_SUM_HALF(a) SLIM_VF_TURNS_SUM((a), _mm512_castps256_ps512(_mm512_extractf32x8_ps((a), 1)))
/* two floats of memory: gemm_f32_pairs.c is compiled for them. */
#if !SLIM_SMALL
#define SLIM_VF_SPLAT_TWO(p) SLIM_NAME(slim_splat_two)(p)
#endif
SLIM_TILE __m512 SLIM_NAME(slim_splat_two)(const float *p)
{
    long long two;
    __builtin_memcpy(&two, p, sizeof two);
    return _mm512_castsi512_ps(_mm512_set1_epi64(two));
}

#define SLIM_VI __m512i
#define SLIM_VI_LOAD(p) _mm512_loadu_si512((const void *)(p))
#define SLIM_VI_STORE(p, v) _mm512_storeu_si512((void *)(p), (v))
#define SLIM_VI_SPLAT(x) _mm512_set1_epi32(x)
#define SLIM_VI_ADD(a, b) _mm512_add_epi32((a), (b))
#define SLIM_VI_MUL(a, b) _mm512_mullo_epi32((a), (b))
#define SLIM_VI_LOAD_U8(p) _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)(p)))
#define SLIM_VI_TO_VF(a) _mm512_cvtepi32_ps(a)
#define SLIM_VF_POWER(t) \
    _mm512_castsi512_ps(_mm512_add_epi32(_mm512_slli_epi32(_mm512_castps_si512(t), 23), _mm512_set1_epi32(127 << 23)))
#define SLIM_VF_ROUND(a) _mm512_cvtps_epi32(a)       /* to nearest, ties to even */
#define SLIM_VI_STORE_U8(p, v) _mm_storeu_si128((__m128i *)(void *)(p), _mm512_cvtepi32_epi8(v))

/* A masked byte store is slow, so whole vectors go without a mask. */
#define SLIM_VI_STORE_U8_PART(p, count, v) SLIM_NAME(slim_store_u8_part)((p), (count), (v))
SLIM_TILE void SLIM_NAME(slim_store_u8_part)(uint8_t *p, size_t count, __m512i v)
{
    if (count == SLIM_LANES)
        SLIM_VI_STORE_U8(p, v);
    else
        _mm_mask_storeu_epi8((void *)p, (__mmask16)((1u << count) - 1), _mm512_cvtepi32_epi8(v));
}

/* Scaled sums to bytes: max(lo, zero point + round(min(x, hi))). Saturating packs do the rest of the clamp. */
typedef struct SLIM_NAME(slim_bytes) {
    __m512 hi;
    __m512i zero_point;   /* 16-bit */
    __m512i lo, most;     /* bytes; most: hi as one */
} SLIM_NAME(slim_bytes);

SLIM_TILE SLIM_NAME(slim_bytes) SLIM_NAME(slim_bytes_of)(float lo, float hi, int32_t zero_point)
{
    SLIM_NAME(slim_bytes) b;
    b.hi = _mm512_set1_ps(hi);
    b.zero_point = _mm512_set1_epi16((short)zero_point);
    b.lo = _mm512_set1_epi8((char)((int)lo + zero_point));
    b.most = _mm512_set1_epi8((char)((int)hi + zero_point));
    return b;
}

/* Up to 16 bytes. A masked byte store is slow, so it only ends what is no multiple of 8. */
SLIM_TILE void SLIM_NAME(slim_bytes_part)(uint8_t *out, __m128i bytes, size_t count)
{
    if (count == 16) {
        _mm_storeu_si128((__m128i *)(void *)out, bytes);
        return;
    }
    if (count & 8) {
        _mm_storel_epi64((__m128i *)(void *)out, bytes);
        bytes = _mm_srli_si128(bytes, 8);
        out += 8;
    }
    if (count & 7)
        _mm_mask_storeu_epi8((void *)out, (__mmask16)((1u << (count & 7)) - 1), bytes);
}

/* Whether sums of at most 32 products, with this bias, times the multiplier fit 32 bits, so that rounding saturates nothing. */
SLIM_TILE int SLIM_NAME(slim_bytes_fit)(__m512i bias, __m512 multiplier)
{
    const __m512 most = _mm512_add_ps(_mm512_abs_ps(_mm512_cvtepi32_ps(bias)), _mm512_set1_ps(1048576.0f));
    return _mm512_cmp_ps_mask(_mm512_abs_ps(_mm512_mul_ps(most, multiplier)), _mm512_set1_ps(1073741824.0f), _CMP_LT_OQ) == 0xFFFF;
}

/* 16 bytes a 128-bit lane: of four vectors whose lanes hold four channels each. Vectors that fit 32 bits are clamped as bytes,
 * with an instruction for four: clamps of floats run where conversions do. */
SLIM_TILE __m512i SLIM_NAME(slim_bytes_pack)(__m512 x0, __m512 x1, __m512 x2, __m512 x3, const SLIM_NAME(slim_bytes) *b, const int fit)
{
    if (!fit) {
        x0 = _mm512_min_ps(x0, b->hi);
        x1 = _mm512_min_ps(x1, b->hi);
        x2 = _mm512_min_ps(x2, b->hi);
        x3 = _mm512_min_ps(x3, b->hi);
    }
    __m512i low = _mm512_packs_epi32(_mm512_cvtps_epi32(x0), _mm512_cvtps_epi32(x1));
    __m512i high = _mm512_packs_epi32(_mm512_cvtps_epi32(x2), _mm512_cvtps_epi32(x3));
    low = _mm512_adds_epi16(low, b->zero_point);
    high = _mm512_adds_epi16(high, b->zero_point);
    low = _mm512_packus_epi16(low, high);
    return _mm512_max_epu8(fit ? _mm512_min_epu8(low, b->most) : low, b->lo);
}

/* nv vectors of 16 neighbouring channels; `last` of the last one are stored. */
SLIM_TILE void SLIM_NAME(slim_bytes_store)(uint8_t *out, const __m512 *x, const int nv, size_t last,
                                           const SLIM_NAME(slim_bytes) *b, const int fit)
{
    const __m512i words = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i bytes = SLIM_NAME(slim_bytes_pack)(x[0], x[nv > 1 ? 1 : 0], x[nv > 2 ? 2 : 0], x[nv > 3 ? 3 : nv > 1 ? 1 : 0], b, fit);
    bytes = _mm512_permutexvar_epi32(words, bytes);
    if (nv == 4 && last == SLIM_LANES) {
        _mm512_storeu_si512((void *)out, bytes);
        return;
    }
    if (nv > 2)
        _mm256_storeu_si256((__m256i *)(void *)out, _mm512_castsi512_si256(bytes));
    else if (nv == 2)
        _mm_storeu_si128((__m128i *)(void *)out, _mm512_castsi512_si128(bytes));
    if (nv == 4)
        _mm_storeu_si128((__m128i *)(void *)(out + 32), _mm512_extracti32x4_epi32(bytes, 2));
    const __m128i end = nv == 4 ? _mm512_extracti32x4_epi32(bytes, 3) : nv == 3 ? _mm512_extracti32x4_epi32(bytes, 2)
        : nv == 2 ? _mm512_extracti32x4_epi32(bytes, 1) : _mm512_castsi512_si128(bytes);
    SLIM_NAME(slim_bytes_part)(out + (nv - 1) * SLIM_LANES, end, last);
}

/* Four vectors that are rows of `nv` = 1 or 2, `stride` bytes apart. */
SLIM_TILE void SLIM_NAME(slim_bytes_store_rows)(uint8_t *out, size_t stride, const __m512 *x, const int nv, size_t last,
                                                const SLIM_NAME(slim_bytes) *b, const int fit)
{
    const __m512i words = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i bytes = _mm512_permutexvar_epi32(words, SLIM_NAME(slim_bytes_pack)(x[0], x[1], x[2], x[3], b, fit));
    __m128i part[4];
    int i;
    if (nv == 2 && last == SLIM_LANES) {
        _mm256_storeu_si256((__m256i *)(void *)out, _mm512_castsi512_si256(bytes));
        _mm256_storeu_si256((__m256i *)(void *)(out + stride), _mm512_extracti64x4_epi64(bytes, 1));
        return;
    }
    part[0] = _mm512_castsi512_si128(bytes);
    part[1] = _mm512_extracti32x4_epi32(bytes, 1);
    part[2] = _mm512_extracti32x4_epi32(bytes, 2);
    part[3] = _mm512_extracti32x4_epi32(bytes, 3);
    SLIM_UNROLL
    for (i = 0; i < 4; i++) {
        uint8_t *to = out + (size_t)(i / nv) * stride + i % nv * SLIM_LANES;
        if (last == SLIM_LANES || i % nv < nv - 1)
            _mm_storeu_si128((__m128i *)(void *)to, part[i]);
        else
            SLIM_NAME(slim_bytes_part)(to, part[i], last);
    }
}

#define SLIM_BYTES SLIM_NAME(slim_bytes)
#define SLIM_BYTES_OF(lo, hi, zero_point) SLIM_NAME(slim_bytes_of)((lo), (hi), (zero_point))
#define SLIM_BYTES_STORE(out, x, nv, last, bytes) SLIM_NAME(slim_bytes_store)((out), (x), (nv), (last), &(bytes), 0)
#define SLIM_BYTES_STORE_ROWS(out, stride, x, nv, last, bytes) \
    SLIM_NAME(slim_bytes_store_rows)((out), (stride), (x), (nv), (last), &(bytes), 0)
#define SLIM_BYTES_FIT(bias, multiplier) SLIM_NAME(slim_bytes_fit)((bias), (multiplier))
#define SLIM_BYTES_STORE_FIT(out, stride, x, nv, bytes) \
    ((nv) == 4 ? SLIM_NAME(slim_bytes_store)((out), (x), (nv), SLIM_LANES, &(bytes), 1) \
               : SLIM_NAME(slim_bytes_store_rows)((out), (stride), (x), (nv), SLIM_LANES, &(bytes), 1))

/* Whole vectors of bytes through a table; returns how many bytes that were. A byte shuffle looks up 16 entries and gives 0
 * where bit 7 of the index is set. Entries are stored as differences (xor) from those 16 before, and all shuffles up to the
 * right one add up: index - 16 i is negative from the next one on. Indices from 128 on are done alike after flipping bit 7. */
SLIM_TILE size_t SLIM_NAME(slim_lookup_bytes)(const uint8_t *table, const uint8_t *from, uint8_t *to, size_t n)
{
    __m512i differences[16];
    size_t at = 0;
    int i;
    SLIM_UNROLL
    for (i = 0; i < 16; i++) {
        __m128i entries = _mm_loadu_si128((const __m128i *)(const void *)(table + 16 * i));
        if (i % 8)
            entries = _mm_xor_si128(entries, _mm_loadu_si128((const __m128i *)(const void *)(table + 16 * i - 16)));
        differences[i] = _mm512_broadcast_i32x4(entries);
    }
    for (; at + 64 <= n; at += 64) {
        __m512i low = _mm512_loadu_si512((const void *)(from + at)), high = _mm512_xor_si512(low, _mm512_set1_epi8(-128));
        __m512i result = _mm512_setzero_si512();
        SLIM_UNROLL
        for (i = 0; i < 8; i++) {
            result = _mm512_ternarylogic_epi32(result, _mm512_shuffle_epi8(differences[i], low),
                                               _mm512_shuffle_epi8(differences[8 + i], high), 0x96);   /* xor of three */
            low = _mm512_subs_epi8(low, _mm512_set1_epi8(16));
            high = _mm512_subs_epi8(high, _mm512_set1_epi8(16));
        }
        _mm512_storeu_si512((void *)(to + at), result);
    }
    return at;
}

#define SLIM_LOOKUP(table, from, to, n) SLIM_NAME(slim_lookup_bytes)((table), (from), (to), (n))

#if SLIM_SMALL
#define SLIM_GEMM_F32_TILES(X) X(1, 8, 8, 1, 1) X(2, 8, 8, 4, 1)
#define SLIM_GEMM_F32_WIDTH(vectors, k, m) ((vectors) >= 2 ? 2 : 1)
#else
#if SLIM_HAS_KERNEL_STRASSEN_F32   /* tiles of 13 rows, mostly for halves of images, are 2 KB */
#define SLIM_GEMM_F32_TILES(X) X(1, 14, 14, 4, 1) X(2, 12, 13, 4, 1) X(3, 9, 8, 3, 1) X(4, 6, 6, 1, 1)
#else
#define SLIM_GEMM_F32_TILES(X) X(1, 14, 14, 4, 1) X(2, 12, 12, 4, 1) X(3, 9, 8, 3, 1) X(4, 6, 6, 1, 1)
#endif
#define SLIM_GEMM_F32_WIDTH(vectors, k, m) \
    ((m) == 1 && (vectors) >= 4 ? 4 : (vectors) % 3 == 0 ? 3 : (k) <= 32 && (vectors) % 4 == 0 ? 4 : (vectors) >= 2 ? 2 : 1)
#endif
