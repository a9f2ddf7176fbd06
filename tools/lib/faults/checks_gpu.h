// The checks of faults that only a GPU reaches: rows of checks.h. What compares whole passes is the probe's.
#pragma once

#include <array>

#include "tools/lib/faults/checks.h"

namespace kigo::tools {

inline constexpr auto kGpuChecks = std::to_array<FaultCheck>({
    {"F06", 't', "laws_gpu_test", "*Agrees*/linear_q4_k:*Agrees*/embedding_q4_k"},
    {"F07", 't', "laws_gpu_test", "*Agrees*/linear_q4_k:*Agrees*/embedding_q4_k"},
    {"F08", 't', "laws_gpu_test", "*Agrees*/linear_q4_k:*Agrees*/embedding_q4_k"},
    {"F09", 't', "laws_gpu_test", "*Agrees*/linear_q6_k:*Agrees*/embedding_q6_k"},
    {"F10", 't', "laws_gpu_test", "*Agrees*/linear_q5_0:*Agrees*/embedding_q5_0"},
    {"F16", 't', "laws_gpu_test", "*Agrees*/embedding_q5_0"},
    {"F17a", 't', "laws_gpu_test", "*Agrees*rmsnorm*"},
    {"F17b", 't', "laws_gpu_test", "*Agrees*rmsnorm*"},
    {"F18", 't', "laws_gpu_test", "*Agrees*rmsnorm*"},
    {"F19", 't', "kernels_runtime_test", "GpuCublas*"},
    {"F22", 't', "laws_gpu_test", "*Agrees*/norm_head_argmax_q8_0"},
    {"F22", 'c', "laws_gpu_test", "*Kernel.WritesOnlyItsOutput/norm_head_argmax_q8_0"},
    {"F24", 't', "laws_gpu_test", "*Agrees*/rope*"},
    {"F25", 't', "laws_gpu_test", "*Agrees*/rope*"},
    {"F28", 't', "laws_gpu_test", "*Agrees*/norm_qkv_rope_append_q4_0_*"},
    {"F29", 'p', "kernels_model_test", "GpuModel.PrecisePrefillGivesTheSameBitsForEveryChunking"},
    {"F26", 'u', "kernels_model_test", "Engine.*"},
    {"F30", 'p', "kernels_model_test", "GpuModel.PrecisePrefillGivesTheSameBitsForEveryChunking"},
    // What the cache held before is the pattern that shows what was never written.
    {"F31", 'c', "laws_gpu_test", "*Agrees*/norm_qkv_rope_append_q4_0_*"},
    {"F32", 'c', "laws_gpu_test", "*Agrees*/kv_append_*"},
    {"F33", 't', "laws_gpu_test", "*Agrees*paged_attention*"},
    {"F34", 't', "laws_gpu_test", "*Agrees*paged_attention*"},
    {"F35", 't', "laws_gpu_test", "*Agrees*paged_attention*"},
    {"F36a", 't', "laws_gpu_test", "*Agrees*paged_attention*"},
    {"F36a", 'p', "kernels_test", "GpuPagedAttentionBits.DependOnTheirOwnPositionAndNoLaterOne"},
    {"F36b", 't', "laws_gpu_test", "*Agrees*paged_attention*"},
    {"F36b", 'p', "kernels_test", "GpuPagedAttentionBits.DependOnTheirOwnPositionAndNoLaterOne"},
    {"F38", 't', "laws_gpu_test", "*Agrees*/swiglu*"},
    {"F51", 'r', "laws_gpu_test", "*Kernel.GivesTheSameBitsTwice/linear_q5_0"},
    {"F53", 'e', "faults_test", "HaikuOverHttp.AWorkerOnAGpuPassesEveryCheckOfTheEngine"},
    {"F56", 't', "laws_gpu_test", "*Agrees*/linear_q4_k:*Agrees*/linear_q6_k"},
    {"F57", 't', "laws_gpu_test", "*Agrees*/linear_q4_k:*Agrees*/linear_q6_k"},
    {"F58", 't', "laws_gpu_test", "*Agrees*/linear_q4_k:*Agrees*/linear_q6_k"},
    {"F59a", 't', "laws_gpu_test", "*Agrees*/linear_q4_k:*Agrees*/embedding_q4_k"},
    {"F59b", 't', "laws_gpu_test", "*Agrees*/norm_gate_up_swiglu_q4_k"},
    {"F60", 't', "laws_gpu_test", "*Agrees*/linear_f32"},
    {"F61", 'r', "laws_gpu_test", "*Kernel.GivesTheSameBitsTwice*rmsnorm*"},
    {"F62", 't', "laws_gpu_test", "*Agrees*rmsnorm*"},
    {"F63", 'c', "laws_gpu_test", "*Kernel.*paged_attention*"},
    {"F64", 't', "laws_gpu_test", "*Agrees*paged_attention*"},
    {"F64", 'c', "laws_gpu_test", "*Kernel.*paged_attention*"},
    {"F65", 't', "laws_gpu_test", "*HugeCases*rmsnorm*"},
    {"F65", 'u', "kernels_test", "GpuRmsNorm.FindsARowBeyondTwoToThe31Elements"},
    {"F66", 'r', "kernels_model_test", "*DecodesTheSameBitsByGraphByLaunchesAndWithCheckpoints*"},
    {"F67", 'c', "laws_gpu_test", "*Kernel.WritesOnlyItsOutput/add_*"},
    {"F68", 't', "laws_gpu_test", "*Kernel.AcceptsPaddedAndMisalignedRows/*rmsnorm*"},
    {"F68", 'c', "laws_gpu_test", "*Kernel.WritesOnlyItsOutput/*rmsnorm*"},
    {"F69", 't', "laws_gpu_test", "*Agrees*paged_attention*"},
    {"F69", 'c', "laws_gpu_test", "*Kernel.*paged_attention*"},
    {"F71", 't', "laws_gpu_test", "*Agrees*/linear_f32:*Agrees*/linear_q5_0"},
    {"F73", 't', "laws_gpu_test", "*Kernel.RunsOnTheGivenStream/add_*"},
    {"F73", 'r', "kernels_model_test", "*GivesTheSameBitsTwiceWithCheckpointsAndWithout*"},
    {"F74", 't', "laws_gpu_test", "*Agrees*/linear_q6_k"},
    {"F85", 't', "laws_gpu_test", "*Agrees.OnEdges*rmsnorm*"},
    {"F85", 'u', "kernels_test", "GpuRmsNorm.WorkedExample"},
    {"F86", 't', "laws_gpu_test", "*Agrees.OnEdges/linear_q5_0"},
});

}  // namespace kigo::tools
