/* The plan that another processor would make: `slim check` and `slim build` are asked about devices. Part of the library that
 * `slim.runtime` loads, never of a single file. */
#include "kernels/kernels.h"

SLIM_API slim_status slim_session_plan_for(slim_session *session, slim_isa isa);

static void plan_for_few(const slim_winograd_f32_few *task)
{
    (void)task;
}

static void plan_for_bytes(const slim_winograd_u8_task *task)
{
    (void)task;
}

/* Plans anew as for an instruction set that neither this build nor this processor need to have. The session keeps its own
 * kernels, to which such an arena may be too small: it has none from here on, and does not run.
 *
 * Of kernels, operators that prepare ask only how wide they are and which of the optional ones there are. */
SLIM_API slim_status slim_session_plan_for(slim_session *session, slim_isa isa)
{
    const slim_kernels *own = session->kernels;
    const int wide = isa == SLIM_ISA_AVX512 || isa == SLIM_ISA_AVX512VNNI;
    slim_kernels like = *own;
    like.lanes = wide ? 16 : 4;
    like.winograd_few_f32 = wide ? plan_for_few : NULL;
    like.winograd_u8 = isa == SLIM_ISA_AVX512VNNI ? plan_for_bytes : NULL;
    session->kernels = &like;
    slim_status status = slim_infer_shapes(session);
    if (status == SLIM_OK)
        slim_plan_memory(session);
    session->kernels = own;
    session->arena = NULL;
    return status;
}
