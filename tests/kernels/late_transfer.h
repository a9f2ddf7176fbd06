// A transfer over host memory that does everything as late as its contract allows: a sender that lets go of a
// buffer too early loses data here every time, not once in a thousand runs.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "core/base/cat.h"
#include "kernels/runtime/transfer.h"
#include "reference/repack.h"
#include "reference/unpack.h"

namespace kigo::test {

/// What was asked for and not yet done.
struct LateWork {
  std::vector<std::function<Status()>> asked;
  size_t done = 0;
  std::map<int, size_t> marks;
  int64_t calls = 0;
  int64_t fail_at = -1;  // the n-th call of any kind but finish() fails, from 0

  Status ask(std::function<Status()> work) {
    KIGO_TRY(count());
    asked.push_back(std::move(work));
    return {};
  }
  Status count() {
    if (calls++ == fail_at) return fail(Code::cuda, "transfer", cat("call ", fail_at, " fails"), "");
    return {};
  }
  Status run_to(size_t end) {
    while (done < end) KIGO_TRY(asked[done++]());
    return {};
  }
};

inline View<const std::byte, 1, Space::Host> on_host(View<const std::byte, 1, Space::Device> view) {
  return {view.data, view.shape, view.stride};
}
inline View<std::byte, 1, Space::Host> on_host(View<std::byte, 1, Space::Device> view) {
  return {view.data, view.shape, view.stride};
}

inline kernels::Transfer late_transfer(const std::shared_ptr<LateWork>& work) {
  kernels::Transfer transfer;
  transfer.upload = [work](std::byte* device, std::span<const std::byte> host) {
    return work->ask([=]() -> Status {
      std::copy(host.begin(), host.end(), device);
      return {};
    });
  };
  transfer.download = [work](std::span<std::byte> host, const std::byte* device) {
    return work->ask([=]() -> Status {
      std::copy_n(device, host.size(), host.begin());
      return {};
    });
  };
  transfer.clear = [work](std::byte* device, int64_t bytes) {
    return work->ask([=]() -> Status {
      std::fill_n(device, bytes, std::byte{0});
      return {};
    });
  };
  transfer.repack = [work](const ops::Repack<Space::Device>& op) {
    return work->ask([op] {
      return reference::repack({.type = op.type,
                                .rows = op.rows,
                                .cols = op.cols,
                                .first_row = op.first_row,
                                .blocks = on_host(op.blocks),
                                .packed = on_host(op.packed)});
    });
  };
  transfer.unpack = [work](const ops::Unpack<Space::Device>& op) {
    return work->ask([op] {
      return reference::unpack({.type = op.type,
                                .rows = op.rows,
                                .cols = op.cols,
                                .first_row = op.first_row,
                                .packed = on_host(op.packed),
                                .blocks = on_host(op.blocks)});
    });
  };
  transfer.mark = [work](int mark) -> Status {
    KIGO_TRY(work->count());
    work->marks[mark] = work->asked.size();
    return {};
  };
  transfer.wait = [work](int mark) -> Status {
    KIGO_TRY(work->count());
    return work->run_to(work->marks.at(mark));
  };
  transfer.finish = [work] { return work->run_to(work->asked.size()); };
  return transfer;
}

}  // namespace kigo::test
