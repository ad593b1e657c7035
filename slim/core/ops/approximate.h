/* Elementary functions without libm, branch-free so that loops over them vectorise at any baseline.
 *
 * Relative error below 1e-6 (measured in tests/ops/test_unary.py). Coefficients are minimax fits of ours, in the relative
 * error, over the interval that each comment names. */
#ifndef SLIM_APPROXIMATE_H
#define SLIM_APPROXIMATE_H

#include "ops/rounding.h"

/* Nobody reads the floating-point exception flags: without this GCC takes each of the comparisons below for a side effect,
 * and does not vectorise the loops around them (e^x: 5.4 ns an element instead of 1.9, SSE2). */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-trapping-math")
#endif

SLIM_INLINE float slim_float_of_bits(int32_t bits)
{
    float x;
    __builtin_memcpy(&x, &bits, sizeof x);
    return x;
}

SLIM_INLINE int32_t slim_bits_of_float(float x)
{
    int32_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
}

SLIM_INLINE float slim_infinity(void)
{
    return slim_float_of_bits(0x7f800000);
}

SLIM_INLINE float slim_not_a_number(void)
{
    return slim_float_of_bits(0x7fc00000);
}

/* e^x = 2^n e^r with |r| <= ln 2 / 2. Results below 2^-126 are 0. */
SLIM_INLINE float slim_exp(float x)
{
    float clamped = x > -88.0f ? x : -88.0f;      /* a NaN becomes -88 and is put back below */
    clamped = clamped < 89.0f ? clamped : 89.0f;
    float n = (clamped * 1.44269504f + 12582912.0f) - 12582912.0f;
    float r = clamped - n * 0.693359375f;         /* ln 2 in two parts: the product with the first is exact */
    r = r - n * -2.12194440e-4f;
    float p = 1.383580951e-03f;                   /* [-0.35, 0.35], 2e-9 */
    p = p * r + 8.375635549e-03f;
    p = p * r + 4.166828808e-02f;
    p = p * r + 1.666641036e-01f;
    p = p * r + 4.999999160e-01f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    int32_t power = (int32_t)n, half = power >> 1;   /* two factors: n = 128 has no float of its own */
    float y = p * slim_float_of_bits((half + 127) << 23) * slim_float_of_bits((power - half + 127) << 23);
    y = x < -87.3365f ? 0.0f : y;
    y = x > 88.7228f ? slim_infinity() : y;
    return x != x ? x : y;
}

/* e^x - 1 for x <= 0, without cancellation near 0. */
SLIM_INLINE float slim_exp_less_one(float x)
{
    float p = 1.383580951e-03f;                   /* the polynomial of slim_exp, less its constant */
    p = p * x + 8.375635549e-03f;
    p = p * x + 4.166828808e-02f;
    p = p * x + 1.666641036e-01f;
    p = p * x + 4.999999160e-01f;
    p = p * x + 1.0f;
    return x > -0.34f ? p * x : slim_exp(x) - 1.0f;
}

SLIM_INLINE float slim_sigmoid(float x)
{
    return 1.0f / (1.0f + slim_exp(-x));
}

SLIM_INLINE float slim_tanh(float x)
{
    float u = x * x;
    float p = -5.663827312e-03f;                  /* tanh(x) / x in x^2, [0, 0.39], 4e-9 */
    p = p * u + 2.059436734e-02f;
    p = p * u - 5.372209695e-02f;
    p = p * u + 1.333114014e-01f;
    p = p * u - 3.333326106e-01f;
    p = p * u + 1.0f;
    float magnitude = x < 0.0f ? -x : x;
    float far = 1.0f - 2.0f / (slim_exp(2.0f * magnitude) + 1.0f);
    far = x < 0.0f ? -far : far;
    return magnitude < 0.6245f ? p * x : far;
}

/* erf is 1 within half a unit in the last place from 3.92 on. */
SLIM_INLINE float slim_erf(float x)
{
    float z = x < -3.92f ? -3.92f : x;            /* a NaN stays */
    z = z > 3.92f ? 3.92f : z;
    float u = z * z;
    float p = 2.050095038e-06f;                   /* erf(z) / z = p / q in z^2, [0, 3.92], 1.9e-8 */
    p = p * u + 2.848832161e-04f;
    p = p * u + 3.765613957e-03f;
    p = p * u + 5.274871299e-02f;
    p = p * u + 1.904063179e-01f;
    p = p * u + 1.128379146e+00f;
    float q = 3.809182287e-05f;
    q = q * u + 1.162535894e-03f;
    q = q * u + 1.496920912e-02f;
    q = q * u + 1.141090591e-01f;
    q = q * u + 5.020759466e-01f;
    q = q * u + 1.0f;
    float y = z * p / q;
    y = y < -1.0f ? -1.0f : y;
    return y > 1.0f ? 1.0f : y;
}

/* x^2 reciprocal root by three steps of Newton from the bits' halved exponent, then one correction of the root. */
SLIM_INLINE float slim_sqrt(float x)
{
    float safe = x >= 1.17549435e-38f ? x : 1.0f;   /* subnormal numbers count as 0 */
    safe = safe <= 3.40282347e38f ? safe : 1.0f;
    float y = slim_float_of_bits(0x5f3759df - (slim_bits_of_float(safe) >> 1));
    float h = 0.5f * safe;
    y = y * (1.5f - h * y * y);
    y = y * (1.5f - h * y * y);
    y = y * (1.5f - h * y * y);
    float root = safe * y;
    root = root + 0.5f * y * (safe - root * root);
    root = x < 1.17549435e-38f ? x * 0.0f : root;
    root = x < 0.0f ? slim_not_a_number() : root;
    root = x > 3.40282347e38f ? x : root;
    return x != x ? x : root;
}

/* ln(x) of a positive number: m 2^e with m in [0.7, 1.42], ln m = 2 atanh((m - 1) / (m + 1)) as its series. */
SLIM_INLINE double slim_log_positive(float x)
{
    int small = x < 1.17549435e-38f;
    int32_t bits = slim_bits_of_float(small ? x * 16777216.0f : x);
    int32_t exponent = ((bits - 0x3f330000) >> 23);   /* of 0.699 */
    double m = (double)slim_float_of_bits(bits - exponent * (1 << 23));
    double s = (m - 1.0) / (m + 1.0), u = s * s;
    double p = 2.0 / 13;
    p = p * u + 2.0 / 11;
    p = p * u + 2.0 / 9;
    p = p * u + 2.0 / 7;
    p = p * u + 2.0 / 5;
    p = p * u + 2.0 / 3;
    p = p * u + 2.0;
    return p * s + (double)(exponent - (small ? 24 : 0)) * 0.69314718055994530942;
}

SLIM_INLINE float slim_log(float x)
{
    int finite = x > 0.0f && x <= 3.40282347e38f;
    float y = (float)slim_log_positive(finite ? x : 1.0f);
    y = x == 0.0f ? -slim_infinity() : y;
    y = x < 0.0f ? slim_not_a_number() : y;
    return finite || x <= 0.0f ? y : x;
}

/* ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|), the last term through z = e^-|x| as 2 atanh(z / (2 + z)), z / (2 + z) <= 1/3. */
SLIM_INLINE float slim_softplus(float x)
{
    float z = slim_exp(x < 0.0f ? x : -x);
    float s = z / (2.0f + z), u = s * s;
    float p = 2.0f / 15;
    p = p * u + 2.0f / 13;
    p = p * u + 2.0f / 11;
    p = p * u + 2.0f / 9;
    p = p * u + 2.0f / 7;
    p = p * u + 2.0f / 5;
    p = p * u + 2.0f / 3;
    p = p * u + 2.0f;
    return (x > 0.0f ? x : 0.0f) + p * s + (x != x ? x : 0.0f);
}

/* The sine of x + quarters * pi / 2, for |x| < 2^50 (NaN beyond, where a float no longer has a phase). */
SLIM_INLINE float slim_sine(float x, int32_t quarters)
{
    double wide = x > -1125899906842624.0f && x < 1125899906842624.0f ? (double)x : 0.0;
    double n = (wide * 0.63661977236758134308 + 6755399441055744.0) - 6755399441055744.0;
    double r = wide - n * 1.57079632679489655800 - n * 6.12323399573676603587e-17;
    double turns = (n * 0.25 + 6755399441055744.0) - 6755399441055744.0;
    int32_t quarter = (int32_t)(n - 4.0 * turns) + quarters;
    float f = (float)r, u = f * f;
    float sine = 2.716956158e-06f;                /* sin(x) / x in x^2, [0, 0.62], 5e-12 */
    sine = sine * u - 1.983915692e-04f;
    sine = sine * u + 8.333328618e-03f;
    sine = sine * u - 1.666666663e-01f;
    sine = (sine * u + 1.0f) * f;
    float cosine = 2.437046435e-05f;              /* cos(x) in x^2, [0, 0.62], 6e-11 */
    cosine = cosine * u - 1.388650459e-03f;
    cosine = cosine * u + 4.166661239e-02f;
    cosine = cosine * u - 4.999999956e-01f;
    cosine = cosine * u + 1.0f;
    float y = quarter & 1 ? cosine : sine;
    y = quarter & 2 ? -y : y;
    return x > -1125899906842624.0f && x < 1125899906842624.0f ? y : slim_not_a_number();
}

/* a^b as C's pow: through logarithms in double, with the sign and the special cases of a negative or zero base. */
SLIM_INLINE float slim_power(float a, float b)
{
    if (b == 0.0f || a == 1.0f)
        return 1.0f;
    if (a != a || b != b)
        return a + b;
    float magnitude = a < 0.0f ? -a : a;
    float size = b < 0.0f ? -b : b;
    int whole = size >= 8388608.0f || (float)(int32_t)size == size;
    int odd = whole && size < 16777216.0f && ((int32_t)size & 1);
    int infinite_base = magnitude > 3.40282347e38f;
    float y;
    if (magnitude == 0.0f || infinite_base)
        y = (b > 0.0f) == infinite_base ? slim_infinity() : 0.0f;
    else if (magnitude == 1.0f)
        y = 1.0f;
    else {
        /* e^t with a t of double precision: its whole part through slim_exp's scale, the rest as a factor near 1 */
        double t = (double)b * slim_log_positive(magnitude);
        t = t > -1000.0 ? t : -1000.0;
        t = t < 1000.0 ? t : 1000.0;
        float coarse = (float)t;
        y = slim_exp(coarse);
        y = y > 0.0f && y <= 3.40282347e38f ? y * (1.0f + (float)(t - (double)coarse)) : y;
    }
    if (a >= 0.0f)
        return a == 0.0f && slim_bits_of_float(a) < 0 && odd ? -y : y;
    if (!whole)
        return infinite_base ? y : slim_not_a_number();
    return odd ? -y : y;
}

#endif
