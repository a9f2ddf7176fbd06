// Seeded faults: mistakes that a test build can make on purpose, to show that the harness catches and names
// them.
//
// A site is one expression at the line it falsifies: `if (KIGO_FAULT(F75)) ...`. Without the build option
// KIGO_FAULTS (every preset but `faults`) it is the constant false and nothing of this header is left. The
// catalogue with what each fault means is docs/faults.md.
#pragma once

#ifdef KIGO_FAULTS

#include <cstdint>
#include <span>
#include <string_view>

namespace kigo::fault {

/// The faults that a fault build holds, by their rows in docs/faults.md.
enum class Id : uint8_t { F03, F45, F46, F47, F75, F76, F79 };

/// One row of the list in fault.cc.
struct Fault {
  Id id;
  std::string_view name;   // "F75", as KIGO_FAULT in the environment names it
  std::string_view title;  // what is changed
  std::string_view stage;  // the stage of `kigo verify` that must be the first to fail
};

/// All of them, in the order of Id.
std::span<const Fault> faults();

/// Whether the fault is switched on, by the variable KIGO_FAULT in the environment. A name that is not in the
/// list ends the process with status 2.
bool active(Id id);

}  // namespace kigo::fault

#define KIGO_FAULT(id) (::kigo::fault::active(::kigo::fault::Id::id))
#else
#define KIGO_FAULT(id) false
#endif
