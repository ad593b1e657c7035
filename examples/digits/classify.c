/* Reads 8 x 8 images from standard input, 64 little-endian floats each, and prints the likeliest digit of each, one a line.
 * Compiled with the single file that `slim build --embed` wrote: cc -O3 classify.c digits.c -lm -lpthread */
#include <stdio.h>

#include "digits.h"

int main(void)
{
    float image[DIGITS_INPUT_0_COUNT], probability[DIGITS_OUTPUT_0_COUNT];
    digits_net net;
    slim_status status = digits_open(&net, 1);

    while (status == SLIM_OK && fread(image, sizeof image, 1, stdin) == 1) {
        int digit = 0, i;
        status = digits_run(&net, image, probability);
        for (i = 1; i < DIGITS_OUTPUT_0_COUNT; i++)
            if (probability[i] > probability[digit])
                digit = i;
        if (status == SLIM_OK)
            printf("%d\n", digit);
    }
    if (status != SLIM_OK)
        fprintf(stderr, "classify: %s\n", digits_error(&net));
    digits_close(&net);
    return status != SLIM_OK;
}
