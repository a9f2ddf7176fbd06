#include <algorithm>
#include <cstring>

#include "core/base/cat.h"
#include "core/base/fault.h"
#include "tools/lib/compare/capture_file.h"

namespace kigo::tools {
namespace {

constexpr size_t kEntryBytes = 176;  // no entry of the head is longer
constexpr size_t kTapsOfALayer = 17;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string metadata_of(const CaptureHead& head) {
  std::string tokens, calls;
  for (const Call& call : head.calls) {
    calls += cat(calls.empty() ? "" : ",", call.tokens.size());
    for (const uint32_t id : call.tokens) tokens += cat(tokens.empty() ? "" : ",", id);
  }
  return Json::object({{"format", "kigo-capture 1"},
                       {"engine", head.engine},
                       {"rounding", head.rounding},
                       {"model_sha256", head.model_sha256},
                       {"tokens", tokens},
                       {"calls", calls}})
      .dump();
}

}  // namespace

Result<CaptureWriter> CaptureWriter::create(const std::string& path, const CaptureHead& head,
                                            int64_t layers) {
  std::string metadata = metadata_of(head);
  const size_t checkpoints = head.calls.size() * (static_cast<size_t>(layers) * kTapsOfALayer + 3);
  // A multiple of 8, so that data behind it is aligned.
  const size_t head_bytes = (metadata.size() + checkpoints * kEntryBytes + 64) / 8 * 8;
  KIGO_ASSIGN(OutputFile file, OutputFile::create(path));
  const std::string room(sizeof(uint64_t) + head_bytes, ' ');
  KIGO_TRY(file.append(bytes_of(room)));
  return CaptureWriter(std::move(file), std::move(metadata), head_bytes);
}

Status CaptureWriter::add(int64_t call, model::Tap tap, int64_t layer, View<const double, 3> rows,
                          compare::Dtype type) {
  const std::string name = capture_name(call, tap, layer);
  const auto count = static_cast<size_t>(rows.size());
  std::vector<std::byte> bytes(count * static_cast<size_t>(compare::size_bytes(type)));
  if (type == compare::Dtype::f64) {
    std::memcpy(bytes.data(), rows.data, bytes.size());
  } else {
    for (size_t i = 0; i < count; ++i) {
      const auto value = static_cast<float>(rows.data[i]);
      std::memcpy(bytes.data() + i * sizeof value, &value, sizeof value);
    }
  }
  KIGO_TRY(file_.append(bytes));
  const uint64_t begin = !entries_.empty() && KIGO_FAULT(F87) ? entries_.back().begin : written_;
  written_ += bytes.size();
  if (!entries_.empty() && entries_.back().name == name) {
    entries_.back().shape[0] += rows.shape[0];
    entries_.back().end = written_;
    return {};
  }
  if (std::ranges::find(entries_, name, &Entry::name) != entries_.end())
    return fail(Code::invalid_request, name, "handed out in pieces with others between",
                "calls of fewer tokens");
  entries_.push_back({name, type, rows.shape, begin, begin + bytes.size()});
  return {};
}

Status CaptureWriter::commit() {
  std::string head = cat("{\"__metadata__\":", metadata_);
  for (const Entry& entry : entries_)
    head += cat(",\"", entry.name, "\":{\"dtype\":\"", compare::name(entry.type), "\",\"shape\":[",
                entry.shape[0], ",", entry.shape[1], ",", entry.shape[2], "],\"data_offsets\":[", entry.begin,
                ",", entry.end, "]}");
  head += "}";
  if (head.size() > head_bytes_)
    return fail(Code::inference_failed, "capture", cat("a head of ", head.size(), " bytes"),
                cat("at most ", head_bytes_));
  const uint64_t length = head_bytes_;
  KIGO_TRY(file_.overwrite(0, std::as_bytes(std::span(&length, 1))));
  KIGO_TRY(file_.overwrite(sizeof length, bytes_of(head)));
  return file_.commit();
}

}  // namespace kigo::tools
