/* The kernels for any processor. */
#include "kernels/kernels.h"

#include "isa/plain.h"
#if SLIM_HAS_KERNEL_GEMM_F32
#include "kernels/gemm_f32.c"
#endif
#if SLIM_HAS_KERNEL_GEMM_U8
#include "kernels/gemm_u8.c"
#endif
#if SLIM_HAS_KERNEL_SLIDE_U8
#include "kernels/slide_u8.c"
#endif
#if SLIM_HAS_KERNEL_DEPTHWISE_F32
#include "kernels/depthwise_f32.c"
#endif
#if SLIM_HAS_KERNEL_DEPTHWISE_U8
#include "kernels/depthwise_u8.c"
#endif
#if SLIM_HAS_KERNEL_PAIR_U8
#include "kernels/pair_u8.c"
#endif
#if SLIM_HAS_KERNEL_LOOKUP_U8
#include "kernels/lookup_u8.c"
#endif
#if SLIM_HAS_KERNEL_MEAN_U8
#include "kernels/mean_u8.c"
#endif
#if SLIM_HAS_KERNEL_MAX_U8
#include "kernels/max_u8.c"
#endif
#if SLIM_HAS_KERNEL_QUANTIZE_U8
#include "kernels/quantize_u8.c"
#endif
#if SLIM_HAS_KERNEL_WINOGRAD_F32
#include "kernels/winograd_f32.c"
#endif
#if SLIM_HAS_KERNEL_COLUMNS_F32
#include "kernels/columns_f32.c"
#endif
#if SLIM_HAS_KERNEL_WINOGRAD_IMAGE_F32
#include "kernels/winograd_image_f32.c"
#endif
#if SLIM_HAS_KERNEL_STRASSEN_F32
#include "kernels/strassen_f32.c"
#endif
#if SLIM_HAS_KERNEL_POOL_F32
#include "kernels/pool_f32.c"
#endif
#if SLIM_HAS_KERNEL_ELEMENTWISE_F32
#include "kernels/elementwise_f32.c"
#endif
#if SLIM_HAS_KERNEL_UNARY_F32
#include "kernels/unary_f32.c"
#endif
#if SLIM_HAS_KERNEL_SOFTMAX_F32
#include "kernels/softmax_f32.c"
#endif
#if SLIM_HAS_KERNEL_LAYER_NORM_F32
#include "kernels/layer_norm_f32.c"
#endif
#include "isa/table.h"
#include "isa/end.h"
