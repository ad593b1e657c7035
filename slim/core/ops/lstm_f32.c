/* An LSTM layer in fp32, one direction. Each step is two GEMMs, of the input and of the last state, and the gates.
 *
 * Inputs: x [T, N, I]; w [ceil(4H / 16), I, 16] and r [ceil(4H / 16), H, 16] in panels, gates in ONNX's order (input, output,
 * forget, cell); bias [ceil(4H / 16) * 16], the sum of both of ONNX's; then optionally the initial h and c, [1, N, H].
 * Outputs: y [T, 1, N, H], the last h and the last c [1, N, H]. */
#include "kernels/kernels.h"
#include "ops/approximate.h"
#include "ops/check.h"

enum { LSTM_FORWARD, LSTM_REVERSE, LSTM_DIRECTIONS };
enum { LSTM_LIMIT = 1 << 20 };   /* of the hidden units and the batch */

static slim_status lstm_check_state(slim_prepare *p, int i, int32_t batch, int32_t hidden)
{
    const slim_value *state = slim_prepare_input(p, i);
    const int32_t dims[3] = { 1, batch, hidden };
    if (state && (state->type != SLIM_F32 || !slim_same_shape(state, 3, dims)))
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "an initial state has another shape or type than the layer's");
    return SLIM_OK;
}

SLIM_COLD static slim_status lstm_prepare(slim_prepare *p)
{
    const slim_lstm_f32_attributes *a = (const slim_lstm_f32_attributes *)p->attributes;
    slim_status status;
    if ((status = slim_prepare_expect(p, 0, SLIM_F32, 3, 0)) != SLIM_OK
        || (status = slim_prepare_expect(p, 1, SLIM_F32, 3, 1)) != SLIM_OK
        || (status = slim_prepare_expect(p, 2, SLIM_F32, 3, 1)) != SLIM_OK
        || (status = slim_prepare_expect(p, 3, SLIM_F32, 1, 1)) != SLIM_OK)
        return status;
    for (int i = 0; i < 3; i++)
        if ((status = slim_check_output_type(p, i, SLIM_F32)) != SLIM_OK)
            return status;
    const slim_value *x = slim_prepare_input(p, 0);
    const slim_value *w = slim_prepare_input(p, 1);
    const slim_value *r = slim_prepare_input(p, 2);
    if (a->direction < 0 || a->direction >= LSTM_DIRECTIONS || a->hidden < 1 || a->hidden > LSTM_LIMIT || x->dims[1] > LSTM_LIMIT)
        return slim_prepare_fail(p, SLIM_BAD_PROGRAM, "the direction is unknown, or a size is out of range");
    int32_t panels = (4 * a->hidden + SLIM_PANEL - 1) / SLIM_PANEL;
    if (w->dims[0] != panels || w->dims[1] != x->dims[2] || w->dims[2] != SLIM_PANEL || r->dims[0] != panels
        || r->dims[1] != a->hidden || r->dims[2] != SLIM_PANEL || slim_prepare_input(p, 3)->dims[0] != panels * SLIM_PANEL)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the weights or the bias do not fit the input and the hidden units");
    const int32_t y[4] = { x->dims[0], 1, x->dims[1], a->hidden };
    if ((status = lstm_check_state(p, 4, x->dims[1], a->hidden)) != SLIM_OK
        || (status = lstm_check_state(p, 5, x->dims[1], a->hidden)) != SLIM_OK
        || (status = slim_prepare_output(p, 0, 4, y)) != SLIM_OK || (status = slim_prepare_output(p, 1, 3, y + 1)) != SLIM_OK)
        return status;
    /* the gates of a step and of its recurrent half, zeros for the bias of the latter, row pointers */
    uint64_t bytes = ((uint64_t)x->dims[1] * (uint64_t)a->hidden * 4 + (uint64_t)panels * SLIM_PANEL) * sizeof(float)
                   + (uint64_t)x->dims[1] * sizeof(float *);
    if (bytes > SIZE_MAX / 2)
        return slim_prepare_fail(p, SLIM_BAD_SHAPE, "the gates do not fit the memory");
    slim_prepare_scratch(p, (size_t)bytes);
    return slim_prepare_output(p, 2, 3, y + 1);
}

typedef struct lstm_layer {
    const slim_step *step;
    size_t batch, inputs, hidden, panels;
    float *gates, *zeros;     /* [batch][4 hidden], [panels * 16] */
    const float **rows;       /* [batch] */
} lstm_layer;

/* gates = x w + bias, or gates += x w. */
static void lstm_multiply(const lstm_layer *l, const float *x, size_t k, const float *weights, const float *bias)
{
    slim_gemm_f32_task task;
    for (size_t i = 0; i < l->batch; i++)
        l->rows[i] = x + i * k;
    task.rows = l->rows;
    task.m = l->batch;
    task.taps = 1;
    task.k = k;
    task.weights = weights;
    task.bias = bias ? bias : l->zeros;
    task.residual = bias ? NULL : l->gates;
    task.part = NULL;
    task.alone = 0;
    task.residual_stride = task.out_stride = task.n = 4 * l->hidden;
    task.out = l->gates;
    task.lo = -__builtin_inff();
    task.hi = __builtin_inff();
    l->step->kernels->gemm_f32(&task);
}

SLIM_VECTORIZE static void lstm_gate(float *__restrict h, float *__restrict c, const float *__restrict gates, size_t hidden)
{
    const float *in = gates, *out = gates + hidden, *forget = gates + 2 * hidden, *cell = gates + 3 * hidden;
    for (size_t i = 0; i < hidden; i++) {
        c[i] = slim_sigmoid(forget[i]) * c[i] + slim_sigmoid(in[i]) * slim_tanh(cell[i]);
        h[i] = slim_sigmoid(out[i]) * slim_tanh(c[i]);
    }
}

static void lstm_start(slim_value *state, const slim_value *initial)
{
    if (initial)
        slim_copy(state->data, initial->data, state->bytes);
    else
        slim_fill(state->data, 0, state->bytes);
}

static void lstm_run(const slim_step *s)
{
    const slim_lstm_f32_attributes *a = (const slim_lstm_f32_attributes *)s->attributes;
    const slim_value *x = slim_step_input(s, 0);
    slim_value *y = slim_step_output(s, 0), *h = slim_step_output(s, 1), *c = slim_step_output(s, 2);
    size_t steps = (size_t)x->dims[0];
    lstm_layer l;
    l.step = s;
    l.batch = (size_t)x->dims[1];
    l.inputs = (size_t)x->dims[2];
    l.hidden = (size_t)a->hidden;
    l.panels = slim_ceil_div(4 * l.hidden, SLIM_PANEL);
    l.gates = (float *)(void *)slim_step_scratch(s, 0);
    l.zeros = l.gates + l.batch * 4 * l.hidden;
    l.rows = (const float **)(void *)(l.zeros + l.panels * SLIM_PANEL);
    slim_fill(l.zeros, 0, l.panels * SLIM_PANEL * sizeof(float));
    lstm_start(h, s->inputs > 4 ? slim_step_input(s, 4) : NULL);
    lstm_start(c, s->inputs > 5 ? slim_step_input(s, 5) : NULL);
    for (size_t i = 0; i < steps; i++) {
        size_t at = a->direction == LSTM_REVERSE ? steps - 1 - i : i;
        lstm_multiply(&l, (const float *)x->data + at * l.batch * l.inputs, l.inputs, (const float *)slim_step_input(s, 1)->data,
                      (const float *)slim_step_input(s, 3)->data);
        lstm_multiply(&l, (const float *)h->data, l.hidden, (const float *)slim_step_input(s, 2)->data, NULL);
        for (size_t n = 0; n < l.batch; n++)
            lstm_gate((float *)h->data + n * l.hidden, (float *)c->data + n * l.hidden, l.gates + n * 4 * l.hidden, l.hidden);
        slim_copy(y->data + at * h->bytes, h->data, h->bytes);
    }
}

SLIM_INTERNAL const slim_operator slim_op_lstm_f32 = {
    SLIM_OP_LSTM_F32, 4, 6, 3, sizeof(slim_lstm_f32_attributes) / 4, 0, "lstm_f32", lstm_prepare, lstm_run,
};
