#include "core/base/fault.h"

#ifdef KIGO_FAULTS

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace kigo::fault {
namespace {

constexpr auto kRows = std::to_array<Fault>({
#define KIGO_FAULT_ROW(id, level, site, checkpoint, kinds, title) \
  {Id::id, #id, *#level, Site::site, checkpoint, kinds, title},
#include "core/base/fault_list.inc"
#undef KIGO_FAULT_ROW
});

constexpr auto kPairs = std::to_array<MaskingPair>({
    {Id::F12, Id::F19},
    {Id::F24, Id::F25},
    {Id::F14a, Id::F38},
    {Id::F05, Id::F19},
    {Id::F21, Id::F13},
    {Id::F27b, std::nullopt},
    {Id::F30, Id::F40},
    {Id::F31, Id::F63},
    {Id::F35, Id::F55},
    {Id::F60, Id::F55},
    {Id::F45, Id::F46},
    {Id::F66, Id::F38},
});

std::array<std::atomic<uint64_t>, detail::kFaults> counts{};

bool listed(Id a, Id b) {
  return std::ranges::any_of(kPairs, [&](const MaskingPair& pair) {
    return (pair.first == a && pair.second == b) || (pair.first == b && pair.second == a);
  });
}

[[noreturn]] void refuse(std::string_view wanted, const char* expected) {
  std::fprintf(stderr, "kigo: KIGO_FAULT: %.*s, expected %s\n", static_cast<int>(wanted.size()),
               wanted.data(), expected);
  std::_Exit(2);
}

const Fault& known(std::string_view name) {
  const Fault* fault = find(name);
  if (fault == nullptr) refuse(name, "a fault of docs/faults.md");
  if (fault->site == Site::none) refuse(name, "a fault that this build holds: it has no site yet");
  if (fault->site == Site::copy) refuse(name, "a fault of the code: `kigo faults` makes it on a copy");
  return *fault;
}

void report() {
  const char* path = std::getenv("KIGO_FAULT_REPORT");
  if (path == nullptr || *path == '\0') return;
  std::FILE* file = std::fopen(path, "a");
  if (file == nullptr) return;
  for (const Id id : selected()) {
    std::fprintf(file, "%.*s %llu\n", static_cast<int>(row(id).name.size()), row(id).name.data(),
                 static_cast<unsigned long long>(reached(id)));
  }
  std::fclose(file);
}

/// No destructor: what runs when the process ends may still ask.
struct Selection {
  std::array<Id, 2> ids{};
  size_t count = 0;
  void add(Id id) { ids[count++] = id; }
};

Selection read_environment() {
  const char* variable = std::getenv("KIGO_FAULT");
  const std::string_view wanted = variable == nullptr ? "" : variable;
  if (wanted.empty()) return {};
  const size_t plus = wanted.find('+');
  Selection chosen;
  chosen.add(known(wanted.substr(0, plus)).id);
  if (plus != std::string_view::npos) {
    chosen.add(known(wanted.substr(plus + 1)).id);
    if (!listed(chosen.ids[0], chosen.ids[1]))
      refuse(wanted, "one fault, or a masking pair of docs/faults.md");
  }
  for (const Id id : std::span(chosen.ids).first(chosen.count)) {
    detail::on[static_cast<size_t>(id)] = true;
    std::fprintf(stderr, "kigo: FAULT BUILD, %.*s is on: %.*s\n", static_cast<int>(row(id).name.size()),
                 row(id).name.data(), static_cast<int>(row(id).title.size()), row(id).title.data());
  }
  std::atexit(report);
  return chosen;
}

}  // namespace

namespace detail {
bool suspended = false;
constinit std::array<bool, kFaults> on{};
void count(Id id) { counts[static_cast<size_t>(id)].fetch_add(1, std::memory_order_relaxed); }
}  // namespace detail

namespace {
const Selection kSelected = read_environment();
}  // namespace

std::span<const Fault> faults() { return kRows; }

const Fault* find(std::string_view name) {
  const auto at = std::ranges::find(kRows, name, &Fault::name);
  return at == kRows.end() ? nullptr : &*at;
}

const Fault& row(Id id) { return kRows[static_cast<size_t>(id)]; }

std::span<const MaskingPair> masking_pairs() { return kPairs; }
std::span<const Id> selected() { return std::span(kSelected.ids).first(kSelected.count); }

uint64_t reached(Id id) { return counts[static_cast<size_t>(id)].load(std::memory_order_relaxed); }
void add_reached(Id id, uint64_t times) {
  counts[static_cast<size_t>(id)].fetch_add(times, std::memory_order_relaxed);
}

Status check_no_golden(const std::string& path) {
  std::error_code ignored;
  for (auto folder = std::filesystem::absolute(path, ignored).parent_path(); folder.has_relative_path();
       folder = folder.parent_path()) {
    if (std::filesystem::exists(folder / "make/manifest.py", ignored))
      return fail(Code::unsupported, path, "golden data, and this build holds seeded faults",
                  "another folder");
  }
  return {};
}

Suspended::Suspended() : before_(detail::suspended) { detail::suspended = true; }
Suspended::~Suspended() { detail::suspended = before_; }

}  // namespace kigo::fault

#endif
