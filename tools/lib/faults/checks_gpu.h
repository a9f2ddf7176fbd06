// The checks of faults that only a GPU reaches: rows of checks.h. What compares whole passes is the probe's.
#pragma once

#include <array>

#include "tools/lib/faults/checks.h"

namespace kigo::tools {

inline constexpr auto kGpuChecks = std::to_array<Check>({
    {"F17a", 't', "laws_gpu_test", "*Agrees*rmsnorm*"},
    {"F17b", 't', "laws_gpu_test", "*Agrees*rmsnorm*"},
    {"F18", 't', "laws_gpu_test", "*Agrees*rmsnorm*"},
    {"F19", 't', "kernels_runtime_test", "GpuCublas*"},
    {"F24", 't', "laws_gpu_test", "*Agrees*/rope*"},
    {"F25", 't', "laws_gpu_test", "*Agrees*/rope*"},
    {"F29", 'p', "kernels_model_test", "GpuModel.PrecisePrefillGivesTheSameBitsForEveryChunking"},
    {"F32", 'c', "laws_gpu_test", "*Kernel.*kv_append*"},
    {"F33", 't', "laws_gpu_test", "*Agrees*paged_attention*"},
    {"F34", 't', "laws_gpu_test", "*Agrees*paged_attention*"},
    {"F35", 't', "laws_gpu_test", "*Agrees*paged_attention*"},
    {"F36a", 't', "laws_gpu_test", "*Agrees*paged_attention*"},
    {"F36a", 'p', "kernels_test", "GpuPagedAttention*"},
    {"F36b", 't', "laws_gpu_test", "*Agrees*paged_attention*"},
    {"F36b", 'p', "kernels_test", "GpuPagedAttention*"},
    {"F38", 't', "laws_gpu_test", "*Agrees*/swiglu*"},
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
