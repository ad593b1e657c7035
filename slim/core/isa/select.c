/* Which instruction sets this build has and this processor can run, and the best of them. */
#include "kernels/kernels.h"

#if defined(__x86_64__) && (SLIM_HAS_ISA_AVX2 || SLIM_HAS_ISA_AVXVNNI || SLIM_HAS_ISA_AVX512 || SLIM_HAS_ISA_AVX512VNNI)
#include <cpuid.h>

#if SLIM_HAS_ISA_AVXVNNI || (SLIM_HAS_KERNEL_GEMM_BF16 && SLIM_HAS_ISA_AVX512VNNI)
/* EAX of the second part of leaf 7: zeros where there is none. */
SLIM_SHARED unsigned slim_cpu_more(void)
{
    unsigned a, b, c, d;
    __cpuid_count(7, 1, a, b, c, d);
    return a;
}
#endif

/* CPUID says what the processor has, XGETBV which registers the system saves (Intel SDM vol. 1, 13.3). Each CPUID is a trap
 * in a virtual machine, up to 6 us, so the highest leaf is not asked for: all with FMA have leaf 7. */
static int slim_cpu_has(slim_isa isa)
{
    unsigned a, b, c, d, low, high, seven_b, seven_c;
    __cpuid(1, a, b, c, d);
    if ((c & bit_OSXSAVE) == 0 || (c & bit_AVX) == 0 || (c & bit_FMA) == 0)
        return 0;
    __asm__ volatile(".byte 0x0f, 0x01, 0xd0" : "=a"(low), "=d"(high) : "c"(0));   /* xgetbv */
    __cpuid_count(7, 0, a, seven_b, seven_c, d);
    if ((low & 0x06) != 0x06 || (seven_b & bit_AVX2) == 0)
        return 0;
    if (isa == SLIM_ISA_AVX2)
        return 1;
#if SLIM_HAS_ISA_AVXVNNI && !defined(SLIM_AVXVNNI_EVEX)
    if (isa == SLIM_ISA_AVXVNNI)
        return (slim_cpu_more() & (1u << 4)) != 0;   /* AVX_VNNI */
#endif
    if ((low & 0xe6) != 0xe6 || (seven_b & bit_AVX512F) == 0 || (seven_b & bit_AVX512BW) == 0
        || (seven_b & bit_AVX512DQ) == 0 || (seven_b & bit_AVX512VL) == 0)
        return 0;
    return isa == SLIM_ISA_AVX512 || (seven_c & bit_AVX512VNNI) != 0;
}
#elif defined(__aarch64__) && SLIM_HAS_ISA_NEONDOT && defined(__linux__)
#include <sys/auxv.h>

static int slim_cpu_has(slim_isa isa)
{
    return isa == SLIM_ISA_NEON || (getauxval(AT_HWCAP) & (1ul << 20)) != 0;   /* HWCAP_ASIMDDP */
}
#elif defined(__arm__) && SLIM_HAS_ISA_NEON && defined(__linux__)
#include <sys/auxv.h>

static int slim_cpu_has(slim_isa isa)
{
    return isa == SLIM_ISA_NEON && (getauxval(AT_HWCAP) & (1ul << 12)) != 0;   /* HWCAP_NEON */
}
#elif defined(__aarch64__) && (SLIM_HAS_ISA_NEON || SLIM_HAS_ISA_NEONDOT)
/* Apple's processors all have the dot product; elsewhere the compiler's baseline decides. */
static int slim_cpu_has(slim_isa isa)
{
#if defined(__APPLE__) || defined(__ARM_FEATURE_DOTPROD)
    (void)isa;
    return 1;
#else
    return isa == SLIM_ISA_NEON;
#endif
}
#elif SLIM_HAS_ISA_NEON || SLIM_HAS_ISA_WASM
static int slim_cpu_has(slim_isa isa)
{
    (void)isa;
    return 1;   /* the compiler's baseline has it, or this would not have compiled */
}
#endif

/* From the best to the one that always runs. */
#define SLIM_WHEN(isa, table) \
    if ((wanted == SLIM_ISA_AUTO || wanted == (isa)) && slim_cpu_has(isa)) \
        return &(table);

#ifndef SLIM_SINGLE_FILE
#define SLIM_DECLARE_KERNELS(table) SLIM_INTERNAL extern const slim_kernels table;
#else
#define SLIM_DECLARE_KERNELS(table)
#endif
#if SLIM_HAS_ISA_AVX512VNNI
SLIM_DECLARE_KERNELS(slim_kernels_avx512vnni)
#endif
#if SLIM_HAS_ISA_AVX512
SLIM_DECLARE_KERNELS(slim_kernels_avx512)
#endif
#if SLIM_HAS_ISA_AVXVNNI
SLIM_DECLARE_KERNELS(slim_kernels_avxvnni)
#endif
#if SLIM_HAS_ISA_AVX2
SLIM_DECLARE_KERNELS(slim_kernels_avx2)
#endif
#if SLIM_HAS_ISA_NEONDOT
SLIM_DECLARE_KERNELS(slim_kernels_neondot)
#endif
#if SLIM_HAS_ISA_NEON
SLIM_DECLARE_KERNELS(slim_kernels_neon)
#endif
#if SLIM_HAS_ISA_WASM
SLIM_DECLARE_KERNELS(slim_kernels_wasm)
#endif
#if SLIM_HAS_ISA_PLAIN
SLIM_DECLARE_KERNELS(slim_kernels_plain)
#endif

SLIM_INTERNAL const slim_kernels *slim_find_kernels(slim_isa wanted)
{
#if SLIM_HAS_ISA_AVX512VNNI
    SLIM_WHEN(SLIM_ISA_AVX512VNNI, slim_kernels_avx512vnni)
#endif
#if SLIM_HAS_ISA_AVX512
    SLIM_WHEN(SLIM_ISA_AVX512, slim_kernels_avx512)
#endif
#if SLIM_HAS_ISA_AVXVNNI && SLIM_KNOWS_AVXVNNI
    SLIM_WHEN(SLIM_ISA_AVXVNNI, slim_kernels_avxvnni)
#endif
#if SLIM_HAS_ISA_AVX2
    SLIM_WHEN(SLIM_ISA_AVX2, slim_kernels_avx2)
#endif
#if SLIM_HAS_ISA_NEONDOT
    SLIM_WHEN(SLIM_ISA_NEONDOT, slim_kernels_neondot)
#endif
#if SLIM_HAS_ISA_NEON
    SLIM_WHEN(SLIM_ISA_NEON, slim_kernels_neon)
#endif
#if SLIM_HAS_ISA_WASM
    SLIM_WHEN(SLIM_ISA_WASM, slim_kernels_wasm)
#endif
#if SLIM_HAS_ISA_PLAIN
    if (wanted == SLIM_ISA_AUTO || wanted == SLIM_ISA_PLAIN)
        return &slim_kernels_plain;
#endif
    return NULL;
}

#if SLIM_HAS_KERNEL_GEMM_BF16
SLIM_INTERNAL int slim_has_bf16(const slim_kernels *kernels)
{
#if SLIM_HAS_ISA_AVX512VNNI
    return kernels->gemm_bf16 != NULL && (slim_cpu_more() & (1u << 5)) != 0;   /* AVX512_BF16 */
#else
    (void)kernels;
    return 0;
#endif
}
#endif
