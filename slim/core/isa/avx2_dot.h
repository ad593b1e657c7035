/* Products of bytes with AVX2: four a lane, as two 16-bit multiply-adds, of the even bytes and of the odd ones. (vpmaddubsw
 * saturates.) */
typedef struct SLIM_NAME(slim_dot) {
    __m256i even, odd;
} SLIM_NAME(slim_dot);

SLIM_TILE SLIM_NAME(slim_dot) SLIM_NAME(slim_dot_weights)(const int8_t *p)
{
    SLIM_NAME(slim_dot) w;
    __m256i bytes = SLIM_VI_LOAD(p);
    w.even = _mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8);
    w.odd = _mm256_srai_epi16(bytes, 8);
    return w;
}

SLIM_TILE SLIM_NAME(slim_dot) SLIM_NAME(slim_dot_input)(const uint8_t *p)
{
    SLIM_NAME(slim_dot) x;
    int32_t four;
    __builtin_memcpy(&four, p, 4);
    __m256i bytes = _mm256_set1_epi32(four);
    x.even = _mm256_and_si256(bytes, _mm256_set1_epi16(255));
    x.odd = _mm256_srli_epi16(bytes, 8);
    return x;
}

#define SLIM_DOT_W SLIM_NAME(slim_dot)
#define SLIM_DOT_X SLIM_NAME(slim_dot)
#define SLIM_DOT_LOAD_W(p) SLIM_NAME(slim_dot_weights)(p)
#define SLIM_DOT_LOAD_X(p) SLIM_NAME(slim_dot_input)(p)
#define SLIM_DOT(x, w, a) \
    _mm256_add_epi32((a), _mm256_add_epi32(_mm256_madd_epi16((x).even, (w).even), _mm256_madd_epi16((x).odd, (w).odd)))
#define SLIM_DOT_ACC SLIM_VI
#define SLIM_DOT_START(bias) (bias)
#define SLIM_DOT_SUM(a) (a)
#define SLIM_DOT_SIGNED 0

#define SLIM_GEMM_U8_TILES(X) X(2, 4, 2, 1) X(1, 8, 4, 1)
#define SLIM_GEMM_U8_WIDTH(vectors, k, m) ((vectors) >= 2 ? 2 : 1)
