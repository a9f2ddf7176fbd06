// Captures: the checkpoints of a run in one safetensors file. docs/captures.md is the format.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/file_map.h"
#include "core/base/output_file.h"
#include "core/base/result.h"
#include "core/compare/safetensors.h"
#include "core/model/config.h"
#include "tools/lib/compare/compare.h"
#include "tools/lib/compare/stages.h"

namespace kigo::tools {

/// "blk.3.attn_q", or "call.2.blk.3.attn_q" for a call behind the first.
std::string capture_name(int64_t call, model::Tap tap, int64_t layer);

/// A capture that is read.
class CaptureFile {
 public:
  /// Errors: io; those of parse_safetensors; bad_value and bad_shape for names, metadata and shapes that
  /// docs/captures.md does not allow.
  static Result<CaptureFile> open(const std::string& path);

  const std::string& path() const { return path_; }
  /// Who computed, as the file says; may be empty.
  const std::string& engine() const { return engine_; }
  const Rounding& rounding() const { return rounding_; }
  /// The calls that were made, as far as the rows of logits tell which logits were wanted.
  std::span<const Call> calls() const { return calls_; }
  /// Of the model file; empty when the file does not say.
  const std::string& model_sha256() const { return model_sha256_; }

  /// Whether it can be one of this model. Errors: invalid_request with what differs: ids, layers, row sizes.
  Status fits(const model::Config& config) const;

  /// The checkpoints of a call that `wanted` picks.
  Result<Checkpoints> read(size_t call, const std::function<bool(model::Tap, int64_t layer)>& wanted) const;

 private:
  explicit CaptureFile(std::string path, FileMap map) : path_(std::move(path)), map_(std::move(map)) {}
  Status index();
  Status read_metadata();
  Status read_calls();

  struct Key {
    int64_t call;
    model::Tap tap;
    int64_t layer;
    auto operator<=>(const Key&) const = default;
  };
  static std::optional<Key> key_of(std::string_view name);
  int64_t rows_wanted(const Key& key) const;

  std::string path_;
  FileMap map_;
  compare::SafeTensors content_;
  std::map<Key, const compare::SafeTensor*> tensors_;
  std::string engine_;
  std::string model_sha256_;
  Rounding rounding_;
  std::vector<Call> calls_;
};

/// What a capture says about itself.
struct CaptureHead {
  std::string engine;        // "reference"
  std::string rounding;      // rounding_named()
  std::string model_sha256;  // of the model file
  std::vector<Call> calls;
};

/// A capture that is written, checkpoint by checkpoint: nothing but names is kept in memory.
class CaptureWriter {
 public:
  /// `layers` tells how much room the head needs. Errors: io.
  static Result<CaptureWriter> create(const std::string& path, const CaptureHead& head, int64_t layers);

  /// `type` is f64 or f32; pieces of one checkpoint come one after another and are put together.
  /// Errors: io.
  Status add(int64_t call, model::Tap tap, int64_t layer, View<const double, 3> rows, compare::Dtype type);
  /// Writes the head and gives the file its name. Errors: io.
  Status commit();

 private:
  CaptureWriter(OutputFile file, std::string metadata, size_t head_bytes)
      : file_(std::move(file)), metadata_(std::move(metadata)), head_bytes_(head_bytes) {}

  struct Entry {
    std::string name;
    compare::Dtype type;
    std::array<int64_t, 3> shape;
    uint64_t begin;
    uint64_t end;
  };

  OutputFile file_;
  std::string metadata_;
  size_t head_bytes_;  // reserved, padded with spaces
  std::vector<Entry> entries_;
  uint64_t written_ = 0;
};

}  // namespace kigo::tools
