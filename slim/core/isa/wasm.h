/* Vector words of WebAssembly SIMD: 4 lanes, and as many registers as the engine's processor has (x86: 16).
 *
 * Compiled with -msimd128. A module validates as a whole, so there is no choice at run time: an engine without SIMD refuses
 * it. -mrelaxed-simd lets the engine fuse a multiply and an add: floats then differ in their last bits between engines. */
#include "isa/begin.h"

#if !defined(__wasm_simd128__)
#error "compile with -msimd128"
#endif
#include <wasm_simd128.h>

#define SLIM_ISA_SUFFIX wasm
#define SLIM_TARGET
#define SLIM_LANES 4

#define SLIM_VF v128_t
#define SLIM_KEEP(v) (void)(v)
#define SLIM_VF_LOAD(p) wasm_v128_load(p)
#define SLIM_VF_LOAD_BITS(p) wasm_v128_load(p)
#define SLIM_VF_STORE(p, v) wasm_v128_store((p), (v))
#define SLIM_VF_SPLAT(x) wasm_f32x4_splat(x)
#define SLIM_VF_ADD(a, b) wasm_f32x4_add((a), (b))
#define SLIM_VF_SUB(a, b) wasm_f32x4_sub((a), (b))
#define SLIM_VF_DIV(a, b) wasm_f32x4_div((a), (b))
#define SLIM_VF_SUB(a, b) wasm_f32x4_sub((a), (b))
#define SLIM_VF_MUL(a, b) wasm_f32x4_mul((a), (b))
#if defined(__wasm_relaxed_simd__)
#define SLIM_VF_FMA(x, w, a) wasm_f32x4_relaxed_madd((x), (w), (a))
#else
#define SLIM_VF_FMA(x, w, a) wasm_f32x4_add((a), wasm_f32x4_mul((x), (w)))
#endif
#define SLIM_VF_MAX(a, b) wasm_f32x4_pmax((b), (a))   /* a > b ? a : b: one instruction where x86 needs six for `max` */
#define SLIM_VF_MIN(a, b) wasm_f32x4_pmin((b), (a))

#define SLIM_VI v128_t
#define SLIM_VI_LOAD(p) wasm_v128_load(p)
#define SLIM_VI_STORE(p, v) wasm_v128_store((p), (v))
#define SLIM_VI_SPLAT(x) wasm_i32x4_splat(x)
#define SLIM_VI_ADD(a, b) wasm_i32x4_add((a), (b))
#define SLIM_VI_MUL(a, b) wasm_i32x4_mul((a), (b))
#define SLIM_VI_LOAD_U8(p) slim_load_u8_wasm(p)
#define SLIM_VF_POWER(t) wasm_i32x4_add(wasm_i32x4_shl((t), 23), wasm_i32x4_splat(127 << 23))
#define SLIM_VI_TO_VF(a) wasm_f32x4_convert_i32x4(a)
#define SLIM_VI_STORE_U8(p, v) slim_store_u8_wasm((p), (v))

/* To nearest, ties to even: adding 1.5 * 2^23 leaves no bits for a fraction. For |x| <= 2^22. */
#define SLIM_VF_ROUND(a) wasm_i32x4_sub(wasm_f32x4_add((a), wasm_f32x4_splat(12582912.0f)), wasm_i32x4_splat(0x4B400000))

SLIM_TILE v128_t slim_load_u8_wasm(const uint8_t *p)
{
    return wasm_u32x4_extend_low_u16x8(wasm_u16x8_extend_low_u8x16(wasm_v128_load32_zero(p)));
}

SLIM_TILE void slim_store_u8_wasm(void *p, v128_t v)
{
    v = wasm_i16x8_narrow_i32x4(v, v);
    wasm_v128_store32_lane(p, wasm_u8x16_narrow_i16x8(v, v), 0);
}

/* Four products a lane, as two 16-bit multiply-adds: of the even bytes, and of the odd ones. */
typedef struct slim_dot_wasm {
    v128_t even, odd;
} slim_dot_wasm;

SLIM_TILE slim_dot_wasm slim_dot_weights_wasm(const int8_t *p)
{
    slim_dot_wasm w;
    v128_t bytes = wasm_v128_load(p);
    w.even = wasm_i16x8_shr(wasm_i16x8_shl(bytes, 8), 8);
    w.odd = wasm_i16x8_shr(bytes, 8);
    return w;
}

SLIM_TILE slim_dot_wasm slim_dot_input_wasm(const uint8_t *p)
{
    slim_dot_wasm x;
    v128_t bytes = wasm_v128_load32_splat(p);
    x.even = wasm_v128_and(bytes, wasm_i16x8_splat(255));
    x.odd = wasm_u16x8_shr(bytes, 8);
    return x;
}

#define SLIM_DOT_W slim_dot_wasm
#define SLIM_DOT_X slim_dot_wasm
#define SLIM_DOT_LOAD_W(p) slim_dot_weights_wasm(p)
#define SLIM_DOT_LOAD_X(p) slim_dot_input_wasm(p)
#define SLIM_DOT(x, w, a) \
    wasm_i32x4_add(wasm_i32x4_add((a), wasm_i32x4_dot_i16x8((x).even, (w).even)), wasm_i32x4_dot_i16x8((x).odd, (w).odd))
#define SLIM_DOT_ACC SLIM_VI
#define SLIM_DOT_START(bias) (bias)
#define SLIM_DOT_SUM(a) (a)
#define SLIM_DOT_SIGNED 0

/* Two rows of a window: 8 bytes of both in turn, as 16-bit integers, and the sums of 8 channels. */
typedef struct slim_wide_wasm {
    v128_t v[2];
} slim_wide_wasm;

SLIM_TILE v128_t slim_pair_wasm(const void *p, const void *q)
{
    return wasm_i8x16_shuffle(wasm_v128_load64_zero(p), wasm_v128_load64_zero(q), 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21,
                              6, 22, 7, 23);
}

SLIM_TILE slim_wide_wasm slim_wide_start_wasm(const int32_t *p)
{
    slim_wide_wasm a;
    a.v[0] = wasm_v128_load(p);
    a.v[1] = wasm_v128_load(p + 4);
    return a;
}

SLIM_TILE slim_wide_wasm slim_wide_x_wasm(v128_t bytes)
{
    slim_wide_wasm x;
    x.v[0] = wasm_u16x8_extend_low_u8x16(bytes);
    x.v[1] = wasm_u16x8_extend_high_u8x16(bytes);
    return x;
}

SLIM_TILE slim_wide_wasm slim_wide_w_wasm(v128_t bytes)
{
    slim_wide_wasm w;
    w.v[0] = wasm_i16x8_extend_low_i8x16(bytes);
    w.v[1] = wasm_i16x8_extend_high_i8x16(bytes);
    return w;
}

SLIM_TILE slim_wide_wasm slim_wide_muladd_wasm(slim_wide_wasm x, slim_wide_wasm w, slim_wide_wasm a)
{
    a.v[0] = wasm_i32x4_add(a.v[0], wasm_i32x4_dot_i16x8(x.v[0], w.v[0]));
    a.v[1] = wasm_i32x4_add(a.v[1], wasm_i32x4_dot_i16x8(x.v[1], w.v[1]));
    return a;
}

#define SLIM_WIDE 8
#define SLIM_DEPTH 2
#define SLIM_WIDE_ACC slim_wide_wasm
#define SLIM_WIDE_X slim_wide_wasm
#define SLIM_WIDE_W slim_wide_wasm
#define SLIM_WIDE_START(table) slim_wide_start_wasm(table)
#define SLIM_WIDE_LOAD_X(p) slim_wide_x_wasm(slim_pair_wasm((p)[0], (p)[1]))
#define SLIM_WIDE_LOAD_W(p) slim_wide_w_wasm(slim_pair_wasm((p)[0], (p)[1]))
#define SLIM_WIDE_MULADD(x, w, a) slim_wide_muladd_wasm((x), (w), (a))
#define SLIM_WIDE_PART(a, i) ((a).v[i])

/* More than nine sums in registers halve the speed on x86 engines. */
#define SLIM_GEMM_F32_TILES(X) X(2, 4, 4, 2, 1) X(1, 4, 4, 2, 1)
#define SLIM_GEMM_F32_WIDTH(vectors, k, m) ((vectors) >= 2 ? 2 : 1)
#define SLIM_GEMM_U8_TILES(X) X(2, 4, 2, 1) X(1, 4, 2, 1)
#define SLIM_GEMM_U8_WIDTH(vectors, k, m) ((vectors) >= 2 ? 2 : 1)

#include "isa/parts.h"
