/* What conv_u8 and dense_u8 share: checks of their constants and output, and the last fields of the kernel's task. */
#ifndef SLIM_GEMM_U8_H
#define SLIM_GEMM_U8_H

#include "kernels/kernels.h"
#include "ops/check.h"

/* Weights [panels][taps][ceil(k / 4)][64] are input 1, the channels' table [panels][3][16] input 2. The output is bytes
 * between lo and hi, or floats. */
SLIM_SHARED SLIM_COLD slim_status slim_gemm_u8_check_constants(slim_prepare *p, size_t panels, size_t taps, size_t k, int32_t lo,
                                                               int32_t hi)
{
    const slim_value *y = slim_check_output(p, 0);
    slim_status status;
    if ((status = slim_prepare_expect(p, 1, SLIM_I8, 4, 1)) != SLIM_OK
        || (status = slim_prepare_expect(p, 2, SLIM_I32, 3, 1)) != SLIM_OK)
        return status;
    if (y->type == SLIM_U8)
        status = slim_check_bytes(p, lo, hi);
    else
        status = slim_check_output_type(p, 0, SLIM_F32);
    if (status != SLIM_OK)
        return status;
    const slim_value *w = slim_prepare_input(p, 1);
    const slim_value *channels = slim_prepare_input(p, 2);
    if ((size_t)w->dims[0] != panels || (size_t)w->dims[1] != taps || (size_t)w->dims[2] != slim_ceil_div(k, 4)
        || w->dims[3] != 4 * SLIM_PANEL || (size_t)channels->dims[0] != panels || channels->dims[1] != 3
        || channels->dims[2] != SLIM_PANEL)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the weights or the table of the channels do not fit");
    return SLIM_OK;
}

/* The same, and that input 0 has bytes in the arena. */
SLIM_SHARED SLIM_COLD slim_status slim_gemm_u8_check(slim_prepare *p, size_t panels, size_t taps, size_t k, int32_t lo, int32_t hi)
{
    if (slim_prepare_input(p, 0)->kind == SLIM_KIND_CONSTANT)   /* kernels read past the end of a row, which only the arena allows */
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the input is a constant");
    if (!slim_check_zero_point(slim_prepare_input(p, 0)))
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "a zero point is not a value of its type");
    return slim_gemm_u8_check_constants(p, panels, taps, k, lo, hi);
}

/* Panel `panel` on of the constants of taps that are all k long, and the output from element `at` on. */
SLIM_SHARED void slim_gemm_u8_fill(slim_gemm_u8_task *task, const slim_step *s, size_t panel, size_t at, int32_t lo, int32_t hi,
                                   float flo, float fhi)
{
    const slim_value *y = slim_step_output(s, 0);
    task->float_output = y->type == SLIM_F32;
    task->rests = task->rest = 0;
    task->weights = (const int8_t *)slim_step_input(s, 1)->data + panel * task->taps * slim_ceil_div(task->k, 4) * 4 * SLIM_PANEL;
    task->channels = (const int32_t *)slim_step_input(s, 2)->data + panel * 3 * SLIM_PANEL;
    task->out = y->data + at * (task->float_output ? sizeof(float) : 1);
    task->out_stride = y->row_stride;
    task->zero_point = task->float_output ? 0 : y->zero_point;
    task->lo = task->float_output ? flo : (float)(lo - task->zero_point);
    task->hi = task->float_output ? fhi : (float)(hi - task->zero_point);
}

#endif
