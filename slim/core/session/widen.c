/* Constants of 16-bit floats (F16, BF16): half the bytes in the program, and fp32 for every operator. They are widened into
 * the arena when it is set, so operators and kernels know nothing of them. */
#include "base/internal.h"

#define WIDEN_SCALE 5.192296858534828e33f   /* 2^112: the difference of the two exponents' biases, 127 - 15 */
#define WIDEN_INFINITY 0x0f800000u          /* where the infinities and NaNs of F16 begin, moved to fp32's place */

static void widen_bf16(float *__restrict to, const uint16_t *__restrict from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const uint32_t bits = (uint32_t)from[i] << 16;
        __builtin_memcpy(&to[i], &bits, sizeof bits);
    }
}

static void widen_f16(float *__restrict to, const uint16_t *__restrict from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)(from[i] & 0x7fff) << 13;
        const uint32_t special = bits >= WIDEN_INFINITY ? 0x7f800000u : 0;
        float value;
        __builtin_memcpy(&value, &bits, sizeof bits);
        value *= WIDEN_SCALE;   /* exact: subnormal numbers become normal ones */
        __builtin_memcpy(&bits, &value, sizeof bits);
        bits |= special | (uint32_t)(from[i] & 0x8000) << 16;
        __builtin_memcpy(&to[i], &bits, sizeof bits);
    }
}

SLIM_INTERNAL void slim_widen(slim_session *session, uint32_t tensor)
{
    const slim_value *value = &session->values[tensor];
    const slim_tensor_record *record = &session->model->tensors[tensor];
    const uint16_t *from = (const uint16_t *)(const void *)(session->model->data + record->data);
    if (record->type == SLIM_BF16)
        widen_bf16((float *)(void *)value->data, from, value->count);
    else
        widen_f16((float *)(void *)value->data, from, value->count);
}
