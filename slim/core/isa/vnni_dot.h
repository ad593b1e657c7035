/* Products of bytes with VNNI, four a lane; SLIM_VNNI is the encoding that the assembler is to take, or nothing. vpdpbusd as text:
 * around the intrinsic gcc 12 spills accumulators, which halves the speed of a tile. */
SLIM_TILE SLIM_VI SLIM_NAME(slim_dot)(SLIM_VI x, SLIM_VI w, SLIM_VI acc)
{
    __asm__(SLIM_VNNI "vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(x), "v"(w));
    return acc;
}

SLIM_TILE SLIM_VI SLIM_NAME(slim_dot_input)(const uint8_t *p)
{
    int32_t four;
    __builtin_memcpy(&four, p, 4);
    return SLIM_VI_SPLAT(four);
}

#define SLIM_DOT_W SLIM_VI
#define SLIM_DOT_X SLIM_VI
#define SLIM_DOT_LOAD_W(p) SLIM_VI_LOAD(p)
#define SLIM_DOT_LOAD_X(p) SLIM_NAME(slim_dot_input)(p)
#define SLIM_DOT(x, w, a) SLIM_NAME(slim_dot)((x), (w), (a))
#define SLIM_DOT_ACC SLIM_VI
#define SLIM_DOT_START(bias) (bias)
#define SLIM_DOT_SUM(a) (a)
#define SLIM_DOT_SIGNED 0
