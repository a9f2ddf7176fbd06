// Seeded faults: mistakes that a test build can make on purpose, to show that the harness catches and names
// them.
//
// A site is one expression at the line it falsifies: `if (KIGO_FAULT(F75)) ...`. Without the build option
// KIGO_FAULTS (every preset but `faults` and `faults-cuda`) it is the constant false and nothing of this
// header is left. The catalogue is docs/faults.md, the list core/base/fault_list.inc.
#pragma once

#ifdef KIGO_FAULTS

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace kigo::fault {

/// The faults by their rows in fault_list.inc.
enum class Id : uint8_t {
#define KIGO_FAULT_ROW(id, level, site, checkpoint, kinds, title) id,
#include "core/base/fault_list.inc"
#undef KIGO_FAULT_ROW
};

/// Where a fault is made: fault_list.inc says what each word means.
enum class Site : uint8_t { host, load, device, copy, none };

/// One row of the list.
struct Fault {
  Id id;
  std::string_view name;  // "F75", as KIGO_FAULT in the environment names it
  char level;             // F L G R B S T W H
  Site site;
  std::string_view checkpoint;  // that must be the first to be named
  std::string_view kinds;       // of checks that must go red: letters of docs/faults.md, section 2
  std::string_view title;       // what is changed
};

/// All of them, in the order of Id.
std::span<const Fault> faults();
/// Null when there is none of that name.
const Fault* find(std::string_view name);
const Fault& row(Id id);

/// Two faults of which one hides the other: the only ones that may be on together.
struct MaskingPair {
  Id first;
  std::optional<Id> second;  // none: the fault hides itself from whole models
};
/// Those of docs/faults.md, section 5.
std::span<const MaskingPair> masking_pairs();

/// The faults that KIGO_FAULT in the environment names, "F24" or a masking pair "F24+F25": at most two. Read
/// when the process starts; a name that is not in the list, a fault without a site and two faults that are
/// not a listed pair end it with status 2.
std::span<const Id> selected();

/// How often a site of the fault has taken effect in this process. Where the environment variable
/// KIGO_FAULT_REPORT names a file, the process appends a line `F75 48` to it for each selected fault when it
/// ends.
uint64_t reached(Id id);
/// Adds to the count what sites on a device have counted.
void add_reached(Id id, uint64_t times);

/// A fault build writes no golden data: refuses paths below a folder that holds golden/make/manifest.py's
/// manifest. Errors: unsupported.
Status check_no_golden(const std::string& path);

/// While it lives, no fault is on in this process: for what a check takes as the truth. Not for use while
/// other threads run sites.
class Suspended {
 public:
  Suspended();
  Suspended(const Suspended&) = delete;
  Suspended& operator=(const Suspended&) = delete;
  ~Suspended();

 private:
  bool before_;
};

namespace detail {
inline constexpr size_t kFaults = 0
#define KIGO_FAULT_ROW(id, level, site, checkpoint, kinds, title) +1
#include "core/base/fault_list.inc"
#undef KIGO_FAULT_ROW
    ;
extern bool suspended;
extern std::array<bool, kFaults> on;
void count(Id id);
}  // namespace detail

/// Whether the fault is switched on; counts when it is. Not constexpr, on purpose: the compiler would take
/// its own answer wherever a constant is initialised by nothing else.
inline bool active(Id id) {
  if (!detail::on[static_cast<size_t>(id)] || detail::suspended) return false;
  detail::count(id);
  return true;
}

}  // namespace kigo::fault

#define KIGO_FAULT(id) (::kigo::fault::active(::kigo::fault::Id::id))
#else
#define KIGO_FAULT(id) false
#endif
