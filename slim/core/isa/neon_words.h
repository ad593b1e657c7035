/* Vector words that NEON has with and without the dot product: 32 registers of 4 lanes on aarch64, 16 on armv7. */
#include <arm_neon.h>

#define SLIM_LANES 4

#define SLIM_VF float32x4_t
#define SLIM_KEEP(v) __asm__("" : "+w"(v))   /* in its register: gcc would load it for each use */
#define SLIM_VF_LOAD(p) vld1q_f32(p)
#define SLIM_VF_LOAD_BITS(p) vreinterpretq_f32_s32(vld1q_s32(p))
#define SLIM_VF_STORE(p, v) vst1q_f32((p), (v))
#define SLIM_VF_SPLAT(x) vdupq_n_f32(x)
#define SLIM_VF_ADD(a, b) vaddq_f32((a), (b))
#define SLIM_VF_SUB(a, b) vsubq_f32((a), (b))
#define SLIM_VF_MUL(a, b) vmulq_f32((a), (b))
#define SLIM_VF_MAX(a, b) vmaxq_f32((a), (b))
#define SLIM_VF_MIN(a, b) vminq_f32((a), (b))

#define SLIM_VI int32x4_t
#define SLIM_VI_LOAD(p) vld1q_s32(p)
#define SLIM_VI_STORE(p, v) vst1q_s32((p), (v))
#define SLIM_VI_SPLAT(x) vdupq_n_s32(x)
#define SLIM_VI_ADD(a, b) vaddq_s32((a), (b))
#define SLIM_VI_MUL(a, b) vmulq_s32((a), (b))
#define SLIM_VI_LOAD_U8(p) SLIM_NAME(slim_load_u8)(p)
#define SLIM_VI_TO_VF(a) vcvtq_f32_s32(a)
#define SLIM_VI_STORE_U8(p, v) SLIM_NAME(slim_store_u8)((p), (v))

#define SLIM_VF_POWER(t) \
    vreinterpretq_f32_s32(vaddq_s32(vshlq_n_s32(vreinterpretq_s32_f32(t), 23), vdupq_n_s32(127 << 23)))

#if defined(__aarch64__)
#define SLIM_VF_DIV(a, b) vdivq_f32((a), (b))
#define SLIM_VF_FMA(x, w, a) vfmaq_f32((a), (w), (x))
#define SLIM_VF_ROUND(a) vcvtnq_s32_f32(a)   /* to nearest, ties to even */
#else
#define SLIM_VF_DIV(a, b) ((a) / (b))   /* lane by lane: armv7 has no other exact division */
/* Adding 1.5 * 2^23 leaves no bits for a fraction: the addition rounds to nearest, ties to even. For |x| <= 2^22. */
#define SLIM_VF_FMA(x, w, a) vmlaq_f32((a), (w), (x))
#define SLIM_VF_ROUND(a) \
    vsubq_s32(vreinterpretq_s32_f32(vaddq_f32((a), vdupq_n_f32(12582912.0f))), vdupq_n_s32(0x4B400000))
#endif

SLIM_TILE int32x4_t SLIM_NAME(slim_load_u8)(const uint8_t *p)
{
    uint32_t four;
    __builtin_memcpy(&four, p, 4);
    uint8x8_t bytes = vreinterpret_u8_u32(vdup_n_u32(four));
    return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(bytes))));
}

SLIM_TILE void SLIM_NAME(slim_store_u8)(void *p, int32x4_t v)
{
    int16x4_t words = vmovn_s32(v);
    uint8x8_t bytes = vmovn_u16(vreinterpretq_u16_s16(vcombine_s16(words, words)));
    uint32_t four = vget_lane_u32(vreinterpret_u32_u8(bytes), 0);
    __builtin_memcpy(p, &four, 4);
}

/* Four bytes of a row, less 128 so that they are signed, in every lane. */
SLIM_TILE int8x16_t SLIM_NAME(slim_dot_input)(const uint8_t *p)
{
    uint32_t four;
    __builtin_memcpy(&four, p, 4);
    return vreinterpretq_s8_u32(vdupq_n_u32(four ^ 0x80808080u));
}

/* Eight channels of a row of the window, as 16-bit integers, and their sums. */
typedef struct SLIM_NAME(slim_wide) {
    int32x4_t v[2];
} SLIM_NAME(slim_wide);

SLIM_TILE SLIM_NAME(slim_wide) SLIM_NAME(slim_wide_start)(const int32_t *p)
{
    SLIM_NAME(slim_wide) a;
    a.v[0] = vld1q_s32(p);
    a.v[1] = vld1q_s32(p + 4);
    return a;
}

SLIM_TILE SLIM_NAME(slim_wide) SLIM_NAME(slim_wide_muladd)(int16x8_t x, int16x8_t w, SLIM_NAME(slim_wide) a)
{
    a.v[0] = vmlal_s16(a.v[0], vget_low_s16(x), vget_low_s16(w));
    a.v[1] = vmlal_s16(a.v[1], vget_high_s16(x), vget_high_s16(w));
    return a;
}

#define SLIM_WIDE 8
#define SLIM_DEPTH 1
#define SLIM_WIDE_ACC SLIM_NAME(slim_wide)
#define SLIM_WIDE_X int16x8_t
#define SLIM_WIDE_W int16x8_t
#define SLIM_WIDE_START(table) SLIM_NAME(slim_wide_start)(table)
#define SLIM_WIDE_LOAD_X(p) vreinterpretq_s16_u16(vmovl_u8(vld1_u8((p)[0])))
#define SLIM_WIDE_LOAD_W(p) vmovl_s8(vld1_s8((p)[0]))
#define SLIM_WIDE_MULADD(x, w, a) SLIM_NAME(slim_wide_muladd)((x), (w), (a))
#define SLIM_WIDE_PART(a, i) ((a).v[i])

#define SLIM_DOT_SIGNED 1

#if defined(__aarch64__)
#define SLIM_GEMM_F32_TILES(X) X(4, 6, 6, 2, 1) X(2, 8, 8, 4, 1) X(1, 8, 8, 4, 1)
#define SLIM_GEMM_F32_WIDTH(vectors, k, m) ((vectors) >= 4 ? 4 : (vectors) >= 2 ? 2 : 1)
#else
#define SLIM_GEMM_F32_TILES(X) X(2, 4, 4, 2, 1) X(1, 4, 4, 2, 1)
#define SLIM_GEMM_F32_WIDTH(vectors, k, m) ((vectors) >= 2 ? 2 : 1)
#endif
