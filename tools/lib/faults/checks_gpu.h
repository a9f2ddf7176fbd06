// The checks of faults that only a GPU reaches: rows of checks.h. What compares whole passes is the probe's.
#pragma once

#include <array>

#include "tools/lib/faults/checks.h"

namespace kigo::tools {

inline constexpr auto kGpuChecks = std::to_array<Check>({
    {"F06", 't', "laws_gpu_test", "*Agrees*/linear_q4_k:*Agrees*/embedding_q4_k"},
    {"F07", 't', "laws_gpu_test", "*Agrees*/linear_q4_k:*Agrees*/embedding_q4_k"},
    {"F10", 't', "laws_gpu_test", "*Agrees*/linear_q5_0:*Agrees*/embedding_q5_0"},
    {"F17a", 't', "laws_gpu_test", "*Agrees*rmsnorm*"},
    {"F17b", 't', "laws_gpu_test", "*Agrees*rmsnorm*"},
    {"F18", 't', "laws_gpu_test", "*Agrees*rmsnorm*"},
    {"F19", 't', "kernels_runtime_test", "GpuCublas*"},
    {"F22", 't', "laws_gpu_test", "*Agrees*/norm_head_argmax_*"},
    {"F22", 'c', "laws_gpu_test", "*Kernel.WritesOnlyItsOutput/norm_head_argmax_*"},
    {"F24", 't', "laws_gpu_test", "*Agrees*/rope*"},
    {"F25", 't', "laws_gpu_test", "*Agrees*/rope*"},
    {"F28", 't', "laws_gpu_test", "*Agrees*/norm_qkv_rope_append_*"},
    {"F29", 'p', "kernels_model_test", "GpuModel.PrecisePrefillGivesTheSameBitsForEveryChunking"},
    {"F31", 'c', "laws_gpu_test", "*Kernel.*/norm_qkv_rope_append_*"},
    {"F32", 'c', "laws_gpu_test", "*Kernel.*kv_append*"},
    {"F33", 't', "laws_gpu_test", "*Agrees*paged_attention*"},
    {"F34", 't', "laws_gpu_test", "*Agrees*paged_attention*"},
    {"F35", 't', "laws_gpu_test", "*Agrees*paged_attention*"},
    {"F36a", 't', "laws_gpu_test", "*Agrees*paged_attention*"},
    {"F36a", 'p', "kernels_test", "GpuPagedAttention*"},
    {"F36b", 't', "laws_gpu_test", "*Agrees*paged_attention*"},
    {"F36b", 'p', "kernels_test", "GpuPagedAttention*"},
    {"F38", 't', "laws_gpu_test", "*Agrees*/swiglu*"},
    {"F56", 't', "laws_gpu_test", "*Agrees*/linear_q4_k:*Agrees*/embedding_q4_k"},
    {"F57", 't', "laws_gpu_test", "*Agrees*/linear_q4_k:*Agrees*/embedding_q4_k"},
    {"F58", 't', "laws_gpu_test", "*Agrees*/linear_q4_k:*Agrees*/embedding_q4_k"},
    {"F61", 'r', "laws_gpu_test", "*Kernel.GivesTheSameBitsTwice*rmsnorm*"},
    {"F62", 't', "laws_gpu_test", "*Agrees*rmsnorm*"},
    {"F63", 'c', "laws_gpu_test", "*Kernel.*paged_attention*"},
    {"F64", 't', "laws_gpu_test", "*Agrees*paged_attention*"},
    {"F64", 'c', "laws_gpu_test", "*Kernel.*paged_attention*"},
    {"F65", 't', "laws_gpu_test", "*HugeCases*rmsnorm*"},
    {"F67", 'c', "laws_gpu_test", "*Kernel.WritesOnlyItsOutput/add_*"},
    {"F68", 't', "laws_gpu_test", "*Kernel.AcceptsPaddedAndMisalignedRows/*rmsnorm*"},
    {"F68", 'c', "laws_gpu_test", "*Kernel.WritesOnlyItsOutput/*rmsnorm*"},
    {"F69", 't', "laws_gpu_test", "*Agrees*paged_attention*"},
    {"F69", 'c', "laws_gpu_test", "*Kernel.*paged_attention*"},
    {"F73", 't', "laws_gpu_test", "*Kernel.RunsOnTheGivenStream/add_*"},
    {"F73", 'r', "laws_gpu_test", "*Kernel.GivesTheSameBitsTwice/add_*"},
    {"F85", 't', "laws_gpu_test", "*Agrees.OnEdges*rmsnorm*"},
});

}  // namespace kigo::tools
