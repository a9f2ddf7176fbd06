#include "bench/ops_history.h"

#include "core/base/json.h"

namespace kigo::bench {

std::string history_line(const Setup& setup, const Measurement& measured) {
  const double cold_s = 1e-6 * measured.cold_us;
  const double row_share =
      measured.row_us == 0 ? 0 : measured.bytes / (1e-6 * measured.row_us) / setup.copy_bytes_per_s;
  const Json line = Json::object({{"date", setup.date},
                                  {"machine", setup.machine},
                                  {"gpu", setup.gpu},
                                  {"driver", setup.driver},
                                  {"cuda", setup.cuda},
                                  {"commit", setup.commit},
                                  {"pair", measured.pair},
                                  {"case", measured.text},
                                  {"cold_us", measured.cold_us},
                                  {"row_us", measured.row_us},
                                  {"hot_us", measured.hot_us},
                                  {"bytes", measured.bytes},
                                  {"flops", measured.flops},
                                  {"share_copy", measured.bytes / cold_s / setup.copy_bytes_per_s},
                                  {"row_share_copy", row_share},
                                  {"share_half", measured.flops / cold_s / setup.half_flops_per_s},
                                  {"copy_bytes_per_s", setup.copy_bytes_per_s},
                                  {"half_flops_per_s", setup.half_flops_per_s}});
  return line.dump() + "\n";
}

Result<History> History::open(const std::string& path) {
  History history;
  history.path_ = path;
  history.file_.open(path, std::ios::app);
  if (!history.file_) return fail(Code::io, path, "cannot be appended to", "a file to write to");
  return history;
}

Status History::add(const Setup& setup, const Measurement& measured) {
  file_ << history_line(setup, measured) << std::flush;
  if (!file_) return fail(Code::io, path_, "a line could not be written", "a file to write to");
  return {};
}

}  // namespace kigo::bench
