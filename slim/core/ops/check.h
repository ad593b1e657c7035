/* Small checks that several operators' prepare functions share. */
#ifndef SLIM_CHECK_H
#define SLIM_CHECK_H

#include "base/internal.h"

SLIM_INLINE const slim_value *slim_check_output(const slim_prepare *p, int i)
{
    return &p->session->values[p->tensors[p->inputs + i]];
}

/* The program records each output's type: memory is sized by it, so it must be what the operator writes. */
SLIM_SHARED SLIM_COLD slim_status slim_check_output_type(slim_prepare *p, int i, int type)
{
    if (slim_check_output(p, i)->type != type)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "an output has another type than the operator writes");
    return SLIM_OK;
}

/* Input `input` and output 0 are of this type. */
SLIM_SHARED SLIM_COLD slim_status slim_check_types(slim_prepare *p, int input, int type)
{
    slim_status status = slim_prepare_expect(p, input, type, -1, 0);
    return status != SLIM_OK ? status : slim_check_output_type(p, 0, type);
}

/* Stored values of a quantized byte tensor, and its zero point among them. */
SLIM_INLINE int32_t slim_lowest_byte(int type)
{
    return type == SLIM_I8 ? -128 : 0;
}

SLIM_INLINE int slim_check_zero_point(const slim_value *x)
{
    return (x->type == SLIM_U8 || x->type == SLIM_I8) && x->zero_point >= slim_lowest_byte(x->type)
        && x->zero_point <= slim_lowest_byte(x->type) + 255;
}

/* Output 0 holds unsigned bytes with its zero point among them, and 0 <= lo <= hi <= 255. */
SLIM_SHARED SLIM_COLD slim_status slim_check_bytes(slim_prepare *p, int32_t lo, int32_t hi)
{
    slim_status status = slim_check_output_type(p, 0, SLIM_U8);
    if (status != SLIM_OK)
        return status;
    if (!slim_check_zero_point(slim_check_output(p, 0)))
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "a zero point is not a value of its type");
    if (lo < 0 || lo > hi || hi > 255)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the limits of the output are not bytes in order");
    return SLIM_OK;
}

/* The same of output 0, and the first of input `input`. */
SLIM_SHARED SLIM_COLD slim_status slim_check_u8(slim_prepare *p, int input, int32_t lo, int32_t hi)
{
    slim_status status = slim_check_types(p, input, SLIM_U8);
    if (status != SLIM_OK)
        return status;
    if (!slim_check_zero_point(slim_prepare_input(p, input)))
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "a zero point is not a value of its type");
    return slim_check_bytes(p, lo, hi);
}

SLIM_SHARED SLIM_COLD int slim_same_shape(const slim_value *x, int rank, const int32_t *dims)
{
    if (x->rank != rank)
        return 0;
    for (int d = 0; d < rank; d++)
        if (x->dims[d] != dims[d])
            return 0;
    return 1;
}

/* Constant weights and bias of a product with panels of 16 output channels, in fp32: `input` has `axes` axes, [panels][...][16] with
 * `steps` sixteens each, the next input is the bias. */
SLIM_SHARED SLIM_COLD slim_status slim_check_weights(slim_prepare *p, int input, int axes, size_t panels, size_t steps)
{
    slim_status status;
    if ((status = slim_prepare_expect(p, input, SLIM_F32, axes, 1)) != SLIM_OK
        || (status = slim_prepare_expect(p, input + 1, SLIM_F32, 1, 1)) != SLIM_OK)
        return status;
    const slim_value *w = slim_prepare_input(p, input);
    if ((size_t)w->dims[0] != panels || w->dims[axes - 1] != SLIM_PANEL || w->count / panels != steps * SLIM_PANEL
        || (size_t)slim_prepare_input(p, input + 1)->dims[0] != panels * SLIM_PANEL)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the weights or the bias do not fit the input and the output channels");
    return SLIM_OK;
}

/* What ends the checks of such products: input `input`, a residual, may be absent. Defines output 0. */
SLIM_SHARED SLIM_COLD slim_status slim_check_residual(slim_prepare *p, int input, int rank, const int32_t *dims)
{
    slim_status status = slim_check_output_type(p, 0, SLIM_F32);
    const slim_value *residual = slim_prepare_input(p, input);
    if (status != SLIM_OK)
        return status;
    if (residual && (residual->type != SLIM_F32 || !slim_same_shape(residual, rank, dims)))
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the residual has another shape than the output");
    return slim_prepare_output(p, 0, rank, dims);
}

/* Products whose weights and bias are inputs 1 and 2, and the residual input 3. */
SLIM_SHARED SLIM_COLD slim_status slim_check_product(slim_prepare *p, int axes, size_t panels, size_t steps, int rank,
                                                     const int32_t *dims)
{
    slim_status status = slim_check_weights(p, 1, axes, panels, steps);
    return status != SLIM_OK ? status : slim_check_residual(p, 3, rank, dims);
}

/* Elements in the axes [first, last). */
SLIM_INLINE size_t slim_product(const slim_value *x, int first, int last)
{
    size_t product = 1;
    for (int d = first; d < last; d++)
        product *= (size_t)x->dims[d];
    return product;
}

#endif
