/* Runs @FILE@ and prints what it says.
 *
 *   ./example [--save PREFIX] [--runs N] [--threads N] [INPUT.bin ...]
 *
 * An input file holds the raw little-endian elements of one input (@inputs@); inputs without a file are zeros.
 * --save writes each output's raw elements to PREFIX0.bin, PREFIX1.bin, ... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "@FILE@.h"

@buffers@

typedef struct end {
    const char *name;
    void *data;
    size_t count, bytes;
    char type;        /* 'f' float, 'h' half, 'b' int8, 'B' uint8, 'i' int32, 'q' int64 */
    float scale;      /* 0 where the tensor is not quantized */
    int zero_point;
} end;

static const end inputs[] = {
@input_rows@
};
static const end outputs[] = {
@output_rows@
};

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    return 1;
}

static double value(const end *e, size_t i)
{
    double x;
    switch (e->type) {
    case 'f': return ((const float *)e->data)[i];
    case 'b': x = ((const int8_t *)e->data)[i]; break;
    case 'i': x = ((const int32_t *)e->data)[i]; break;
    case 'q': return (double)((const int64_t *)e->data)[i];
    case 'h': return ((const uint16_t *)e->data)[i];   /* the bits of a half */
    default: x = ((const uint8_t *)e->data)[i]; break;
    }
    return e->scale > 0 ? (x - e->zero_point) * e->scale : x;
}

/* The five largest elements, or all of a short output. */
static void print_output(const end *e)
{
    size_t best[5] = {0}, kept = 0, i, k;
    printf("%s: %lu values", e->name, (unsigned long)e->count);
    if (e->count <= 10) {
        for (i = 0; i < e->count; i++)
            printf(" %g", value(e, i));
    } else {
        for (i = 0; i < e->count; i++) {
            if (kept == 5 && !(value(e, i) > value(e, best[4])))
                continue;
            if (kept < 5)
                kept++;
            for (k = kept - 1; k > 0 && value(e, i) > value(e, best[k - 1]); k--)
                best[k] = best[k - 1];
            best[k] = i;
        }
        printf(", the largest:");
        for (k = 0; k < kept; k++)
            printf(" [%lu] %g", (unsigned long)best[k], value(e, best[k]));
    }
    printf("\n");
}

static int read_input(const char *path, const end *e)
{
    FILE *file = fopen(path, "rb");
    size_t got = file ? fread(e->data, 1, e->bytes, file) : 0;
    int more = file && fgetc(file) != EOF;
    if (file)
        fclose(file);
    return got == e->bytes && !more ? 0 : fail(path, "cannot be read, or has another size than the input");
}

static int save_output(const char *prefix, size_t index)
{
    char path[4096];
    FILE *file;
    int written;
    snprintf(path, sizeof path, "%s%lu.bin", prefix, (unsigned long)index);
    file = fopen(path, "wb");
    written = file && fwrite(outputs[index].data, 1, outputs[index].bytes, file) == outputs[index].bytes;
    if (file && fclose(file) != 0)
        written = 0;
    return written ? 0 : fail(path, "cannot be written");
}

static double now_ms(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    enum { MOST_RUNS = 1000 };
    static double ms[MOST_RUNS];
    const char *prefix = NULL;
    int runs = 5, threads = 1, i;
    size_t given = 0, o;
    slim_status status;
    @name@_net net;

    for (i = 1; i < argc; i++) {
        if (i + 1 < argc && strcmp(argv[i], "--save") == 0)
            prefix = argv[++i];
        else if (i + 1 < argc && strcmp(argv[i], "--runs") == 0)
            runs = atoi(argv[++i]);
        else if (i + 1 < argc && strcmp(argv[i], "--threads") == 0)
            threads = atoi(argv[++i]);
        else if (argv[i][0] == '-' || given == @NAME@_INPUT_COUNT)
            return fail(argv[i], "usage: example [--save PREFIX] [--runs N] [--threads N] [INPUT.bin ...]");
        else if (read_input(argv[i], &inputs[given++]))
            return 1;
    }
    runs = runs < 1 ? 1 : runs > MOST_RUNS ? MOST_RUNS : runs;

@SEPARATE{
    status = @name@_open_file(&net, "@FILE@.slim", threads);
@}
@EMBEDDED{
    status = @name@_open(&net, threads);
@}
    for (i = 0; i < runs && status == SLIM_OK; i++) {
        double start = now_ms();
        status = @name@_run(&net, @buffer_arguments@);
        ms[i] = now_ms() - start;
    }
    if (status != SLIM_OK)
        fail("@FILE@", @name@_error(&net));
    else
        printf("%s kernels, ", slim_session_isa(net.session));
    @name@_close(&net);
    if (status != SLIM_OK)
        return 1;

    qsort(ms, (size_t)runs, sizeof ms[0], by_time);
    printf("%.3f ms (median of %d runs, fastest %.3f ms)\n", ms[runs / 2], runs, ms[0]);
    for (o = 0; o < @NAME@_OUTPUT_COUNT; o++) {
        print_output(&outputs[o]);
        if (prefix && save_output(prefix, o))
            return 1;
    }
    return 0;
}
