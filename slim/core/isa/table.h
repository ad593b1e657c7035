/* The table of an instruction set's kernels, in the order of `slim_kernels`. Included after the kernels by `isa/ISA.c`. */
#if defined(SLIM_FROM_AVX2)   /* all but those that multiply bytes */
#define SLIM_KERNEL(name) SLIM_JOIN(name, avx2)
#else
#define SLIM_KERNEL(name) SLIM_NAME(name)
#endif
#define SLIM_TEXT2(text) #text
#define SLIM_TEXT(text) SLIM_TEXT2(text)

#if !defined(SLIM_SINGLE_FILE)
SLIM_INTERNAL extern const slim_kernels SLIM_NAME(slim_kernels);
#endif
SLIM_INTERNAL const slim_kernels SLIM_NAME(slim_kernels) = {
    SLIM_TEXT(SLIM_ISA_SUFFIX),
    SLIM_LANES,
#if SLIM_HAS_KERNEL_GEMM_F32
    SLIM_KERNEL(slim_gemm_f32),
#endif
#if SLIM_HAS_KERNEL_GEMM_U8
    SLIM_NAME(slim_gemm_u8),
#endif
#if SLIM_HAS_KERNEL_SLIDE_U8
#ifdef SLIM_SLIDES
    SLIM_KERNEL(slim_slide_u8),
#else
    NULL,
#endif
#endif
#if SLIM_HAS_KERNEL_WINOGRAD_U8
#ifdef SLIM_WINOGRADS
    SLIM_KERNEL(slim_winograd_u8),
#else
    NULL,
#endif
#endif
#if SLIM_HAS_KERNEL_DEPTHWISE_F32
    SLIM_KERNEL(slim_depthwise_f32),
#endif
#if SLIM_HAS_KERNEL_DEPTHWISE_U8
    SLIM_NAME(slim_depthwise_u8),
#endif
#if SLIM_HAS_KERNEL_PAIR_U8
    SLIM_KERNEL(slim_pair_u8),
#endif
#if SLIM_HAS_KERNEL_LOOKUP_U8
    SLIM_KERNEL(slim_lookup_u8),
#endif
#if SLIM_HAS_KERNEL_MEAN_U8
    SLIM_KERNEL(slim_mean_u8),
#endif
#if SLIM_HAS_KERNEL_MAX_U8
    SLIM_KERNEL(slim_max_u8),
#endif
#if SLIM_HAS_KERNEL_QUANTIZE_U8
    SLIM_KERNEL(slim_quantize_u8),
#endif
#if SLIM_HAS_KERNEL_WINOGRAD_F32
    SLIM_KERNEL(slim_winograd_weights_f32),
    SLIM_KERNEL(slim_winograd_input_f32),
    SLIM_KERNEL(slim_winograd_product_f32),
    SLIM_KERNEL(slim_winograd_output_f32),
#if SLIM_LANES == 16
    SLIM_KERNEL(slim_winograd_few_f32),
#else
    NULL,
#endif
#endif
#if SLIM_HAS_KERNEL_GEMM_BF16
#ifdef SLIM_BF16_DOT
    SLIM_KERNEL(slim_gemm_bf16),
    SLIM_KERNEL(slim_round_bf16),
#else
    NULL,
    NULL,
#endif
#endif
#if SLIM_HAS_KERNEL_COLUMNS_F32
    SLIM_KERNEL(slim_columns_f32),
#endif
#if SLIM_HAS_KERNEL_WINOGRAD_IMAGE_F32
    SLIM_KERNEL(slim_winograd_image_weights_f32),
    SLIM_KERNEL(slim_winograd_image_f32),
#endif
#if SLIM_HAS_KERNEL_WINOGRAD_STRIDE2_F32
    SLIM_KERNEL(slim_winograd_stride2_weights_f32),
    SLIM_KERNEL(slim_winograd_stride2_input_f32),
    SLIM_KERNEL(slim_winograd_stride2_product_f32),
    SLIM_KERNEL(slim_winograd_stride2_output_f32),
#endif
#if SLIM_HAS_KERNEL_STRASSEN_F32
    SLIM_KERNEL(slim_strassen_rows_f32),
#endif
#if SLIM_HAS_KERNEL_POOL_F32
    SLIM_KERNEL(slim_pool_f32),
#endif
#if SLIM_HAS_KERNEL_ELEMENTWISE_F32
    SLIM_KERNEL(slim_elementwise_f32),
#endif
#if SLIM_HAS_KERNEL_UNARY_F32
    SLIM_KERNEL(slim_unary_f32),
#endif
#if SLIM_HAS_KERNEL_SOFTMAX_F32
    SLIM_KERNEL(slim_softmax_f32),
#endif
#if SLIM_HAS_KERNEL_LAYER_NORM_F32
    SLIM_KERNEL(slim_layer_norm_f32),
#endif
};

#undef SLIM_KERNEL
#undef SLIM_TEXT
#undef SLIM_TEXT2
