// Seeded faults on a device: who holds a copy of the switches, and what the sites there have counted.
#pragma once

#ifdef KIGO_FAULTS

#include "core/base/result.h"

namespace kigo::kernels {

/// Every translation unit with device code has switches and counts of its own (device/fault.cuh), since the
/// objects are linked without relocatable device code. It names them here when the program starts.
void register_device_faults(const void* switches, const void* counts);

/// Before the first launch: writes the faults that the environment names into all switches, and sees to it
/// that the counts are added to fault::reached() when the process ends. Later calls do nothing. Must not be
/// called first within a stream capture. Errors: cuda.
Status arm_device_faults();

}  // namespace kigo::kernels

#endif
