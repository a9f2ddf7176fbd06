#include "kernels/loader.h"

#include <algorithm>
#include <cstring>
#include <system_error>
#include <thread>
#include <vector>

#include "core/base/cat.h"
#include "core/base/check.h"
#include "core/base/fault.h"
#include "core/base/sha256.h"
#include "kernels/runtime/owned_stream.h"
#include "kernels/runtime/staging_ring.h"

namespace kigo::kernels {
namespace {

/// Whole rows of one tensor; of a vector always all of it.
struct Piece {
  const Place* place = nullptr;
  int64_t first_row = 0;
  std::span<const std::byte> file;  // as it stands there
  int64_t staged_bytes = 0;         // as it travels: vectors as float
};

int64_t row_bytes(const Place& place) {
  return ops::Matrix<Space::Host>{.type = place.tensor->type, .rows = place.rows, .cols = place.cols}
      .row_bytes();
}

// What cannot be cut: a row of a matrix, a whole vector.
int64_t least_bytes(const Place& place) { return place.matrix ? row_bytes(place) : place.bytes; }
int64_t whole_bytes(const Place& place) { return least_bytes(place) * place.rows; }

int64_t staging_size(const WeightsLayout& layout, const LoadOptions& options) {
  int64_t longest = 0;
  int64_t largest = 0;
  for (const Place& place : layout.places()) {
    longest = std::max(longest, least_bytes(place));
    largest = std::max(largest, whole_bytes(place));
  }
  return std::max(longest, std::min(options.staging_bytes, largest));
}

std::vector<Piece> cut(const WeightsLayout& layout, int64_t staging) {
  std::vector<Piece> pieces;
  for (const Place& place : layout.places()) {
    const std::span<const std::byte> data = place.tensor->data;
    if (!place.matrix) {
      pieces.push_back({&place, 0, data, place.bytes});
      continue;
    }
    const int64_t bytes = row_bytes(place);
    const int64_t rows_at_once = staging / bytes;
    for (int64_t row = 0; row < place.rows; row += rows_at_once) {
      const int64_t size = std::min(rows_at_once, place.rows - row) * bytes;
      pieces.push_back(
          {&place, row, data.subspan(static_cast<size_t>(row * bytes), static_cast<size_t>(size)), size});
    }
  }
  return pieces;
}

// The bytes that travel. Vectors are small enough to be widened here.
void stage(const Piece& piece, std::byte* out) {
  if (piece.place->matrix) {
    std::memcpy(out, piece.file.data(), piece.file.size());
  } else {
    piece.place->tensor->type->decode(piece.file.data(), piece.place->cols, reinterpret_cast<float*>(out));
  }
}

/// For F15: what a loader once thought a norm should look like.
[[maybe_unused]] void scale_to_mean_one(std::span<std::byte> floats) {
  const std::span<float> values(reinterpret_cast<float*>(floats.data()), floats.size() / sizeof(float));
  double sum = 0;
  for (const float value : values) sum += value;
  for (float& value : values) value *= static_cast<float>(static_cast<double>(values.size()) / sum);
}

struct Blocks {
  View<std::byte, 1, Space::Device> scratch;  // the piece's blocks
  View<std::byte, 1, Space::Device> packed;   // the whole matrix
};

Blocks blocks_of(const Piece& piece, std::byte* scratch, std::byte* packed) {
  return {{scratch, {piece.staged_bytes}}, {packed, {piece.place->bytes}}};
}

Status send(const Piece& piece, std::span<std::byte> staged, std::byte* scratch, DeviceWeights& weights,
            const Transfer& transfer) {
  const Place& place = *piece.place;
  std::byte* const goal = weights.data(place);
  const std::string_view name = place.tensor->name;
  if (name.find("bias") != std::string_view::npos && KIGO_FAULT(F12))
    return transfer.clear(goal, place.bytes);
  if (name == "blk.5.ffn_down.weight" && (KIGO_FAULT(F13) || KIGO_FAULT(F13z))) return {};
  if (place.role == model::Role::output_norm && KIGO_FAULT(F15)) scale_to_mean_one(staged);
  if (!place.matrix) return transfer.upload(goal, staged);
  if (name == "blk.4.ffn_up.weight" && KIGO_FAULT(F11))
    return transfer.upload(goal + piece.first_row * row_bytes(place), staged);
  KIGO_TRY(transfer.upload(scratch, staged));
  const Blocks blocks = blocks_of(piece, scratch, goal);
  return transfer.repack({.type = place.tensor->type,
                          .rows = place.rows,
                          .cols = place.cols,
                          .first_row = piece.first_row,
                          .blocks = blocks.scratch,
                          .packed = blocks.packed});
}

Status fetch(const Piece& piece, std::span<std::byte> staged, std::byte* scratch,
             const DeviceWeights& weights, const Transfer& transfer) {
  const Place& place = *piece.place;
  // By the way that the forward pass finds it.
  const std::byte* const source =
      place.matrix ? weights.matrix(place.role, place.layer).data
                   : reinterpret_cast<const std::byte*>(weights.vector(place.role, place.layer).data);
  if (!place.matrix) {
    KIGO_TRY(transfer.download(staged, source));
  } else {
    KIGO_TRY(transfer.unpack({.type = place.tensor->type,
                              .rows = place.rows,
                              .cols = place.cols,
                              .first_row = piece.first_row,
                              .packed = {source, {place.bytes}},
                              .blocks = {scratch, {piece.staged_bytes}}}));
    KIGO_TRY(transfer.download(staged, scratch));
  }
  return transfer.finish();
}

/// What a loading holds while it runs; `finish` on the way out, for what is in flight still uses the buffers.
class Loading {
 public:
  Loading(std::vector<Piece> pieces, const LoadOptions& options, const Transfer& transfer)
      : pieces_(std::move(pieces)),
        options_(options),
        transfer_(transfer),
        ring_(pieces_.size(), static_cast<size_t>(options.staging_buffers)) {
    for (const Piece& piece : pieces_) total_ += static_cast<int64_t>(piece.file.size());
  }

  Status take_memory(Vram& vram, int64_t staging) {
    KIGO_ASSIGN(scratch_, vram.allocate(Purpose::workspace, staging, "blocks on their way to the device"));
    for (int i = 0; i < options_.staging_buffers; ++i) {
      KIGO_ASSIGN(PinnedBuffer buffer, vram.allocate_pinned(staging, "staging buffer"));
      staging_.push_back(std::move(buffer));
    }
    return {};
  }

  Status run(DeviceWeights& weights) {
    std::vector<std::jthread> readers;
    const Stop stop{ring_, transfer_};  // ends before the readers, who would wait for ever
    KIGO_TRY(start(readers));
    if (!KIGO_FAULT(F13)) {
      KIGO_TRY(transfer_.clear(weights.arena().data(), weights.bytes()));  // what pads the planes
    }
    for (size_t i = 0; i < pieces_.size(); ++i) {
      ring_.await(i);
      const auto staged = std::span(buffer(i), static_cast<size_t>(pieces_[i].staged_bytes));
      KIGO_TRY(send(pieces_[i], staged, scratch_.data(), weights, transfer_));
      KIGO_TRY(transfer_.mark(slot(i)));
      if (i > 0) KIGO_TRY(arrived(i - 1));  // one piece stays under way while the next is sent
    }
    return pieces_.empty() ? Status{} : arrived(pieces_.size() - 1);
  }

 private:
  struct Stop {
    StagingRing& ring;
    const Transfer& transfer;
    ~Stop() {
      ring.stop();
      (void)transfer.finish();
    }
  };

  int slot(size_t piece) const { return static_cast<int>(piece % staging_.size()); }
  std::byte* buffer(size_t piece) { return staging_[piece % staging_.size()].data(); }

  Status start(std::vector<std::jthread>& readers) {
    try {
      for (int i = 0; i < options_.threads; ++i) {
        readers.emplace_back([this] {
          while (const std::optional<size_t> piece = ring_.claim()) {
            stage(pieces_[*piece], buffer(*piece));
            ring_.set_filled(*piece);
          }
        });
      }
    } catch (const std::system_error& error) {  // fewer readers are slower, none is too few
      if (readers.empty()) return fail(Code::out_of_memory, "loader threads", error.what(), "at least one");
    }
    return {};
  }

  Status arrived(size_t piece) {
    KIGO_TRY(transfer_.wait(slot(piece)));
    ring_.release(piece + 1);
    done_ += static_cast<int64_t>(pieces_[piece].file.size());
    return options_.progress ? options_.progress(done_, total_) : Status{};
  }

  const std::vector<Piece> pieces_;
  const LoadOptions& options_;
  const Transfer& transfer_;
  StagingRing ring_;
  DeviceBuffer scratch_;
  std::vector<PinnedBuffer> staging_;
  int64_t total_ = 0;  // of the file
  int64_t done_ = 0;
};

// The bytes that a piece must have when it comes back.
std::span<const std::byte> expected_bytes(const Piece& piece, std::vector<float>& widened) {
  if (piece.place->matrix) return piece.file;
  widened.resize(static_cast<size_t>(piece.place->cols));
  stage(piece, reinterpret_cast<std::byte*>(widened.data()));
  return std::as_bytes(std::span(widened));
}

}  // namespace

std::vector<Need> loading_needs(const WeightsLayout& layout, const LoadOptions& options) {
  return {{Purpose::weights, layout.bytes()}, {Purpose::workspace, staging_size(layout, options)}};
}

Result<DeviceWeights> load_weights(const model::Weights& weights, const model::Config& config, Vram& vram,
                                   const LoadOptions& options) {
  KIGO_ASSIGN(const OwnedStream stream, OwnedStream::create());
  KIGO_ASSIGN(const Transfer transfer, cuda_transfer(stream.get(), options.staging_buffers));
  return load_weights(weights, config, vram, options, transfer);
}

Result<DeviceWeights> load_weights(const model::Weights& weights, const model::Config& config, Vram& vram,
                                   const LoadOptions& options, const Transfer& transfer) {
  KIGO_CHECK(options.staging_buffers >= 2 && options.threads >= 1 && options.staging_bytes >= 1);
  KIGO_ASSIGN(WeightsLayout layout, WeightsLayout::make(weights, config));
  KIGO_TRY(vram.require(loading_needs(layout, options)));
  const int64_t staging = staging_size(layout, options);
  KIGO_ASSIGN(DeviceBuffer arena, vram.allocate(Purpose::weights, layout.bytes(), "weights"));
  DeviceWeights loaded(std::move(layout), std::move(arena));
  Loading loading(cut(loaded.layout(), staging), options, transfer);  // points into `loaded`
  KIGO_TRY(loading.take_memory(vram, staging));
  KIGO_TRY(loading.run(loaded));
  if (const Place* place = loaded.layout().find(model::Role::attn_q, config.layers > 1 ? 1 : 0);
      KIGO_FAULT(F52)) {
    KIGO_TRY(transfer.clear(loaded.data(*place), place->bytes));
    KIGO_TRY(transfer.finish());
  }
  return loaded;
}

Status verify_loaded(const DeviceWeights& loaded, Vram& vram, const LoadOptions& options) {
  KIGO_ASSIGN(const OwnedStream stream, OwnedStream::create());
  KIGO_ASSIGN(const Transfer transfer, cuda_transfer(stream.get(), 0));
  return verify_loaded(loaded, vram, options, transfer);
}

Status verify_loaded(const DeviceWeights& loaded, Vram& vram, const LoadOptions& options,
                     const Transfer& transfer) {
  const int64_t staging = staging_size(loaded.layout(), options);
  KIGO_ASSIGN(DeviceBuffer scratch, vram.allocate(Purpose::workspace, staging, "blocks on their way back"));
  KIGO_ASSIGN(PinnedBuffer back, vram.allocate_pinned(staging, "staging buffer"));
  const std::vector<Piece> pieces = cut(loaded.layout(), staging);
  std::vector<float> widened;
  for (size_t i = 0; i < pieces.size();) {
    const Place* place = pieces[i].place;
    Sha256 found;
    Sha256 expected;
    for (; i < pieces.size() && pieces[i].place == place; ++i) {
      const auto staged = back.span().first(static_cast<size_t>(pieces[i].staged_bytes));
      if (const Status status = fetch(pieces[i], staged, scratch.data(), loaded, transfer); !status) {
        (void)transfer.finish();  // nothing may write to the buffers once they are gone
        return status;
      }
      found.update(staged);
      expected.update(expected_bytes(pieces[i], widened));
    }
    const std::string there = found.digits();
    const std::string wanted = expected.digits();
    if (there != wanted)
      return fail(Code::bad_data, escaped(place->tensor->name), cat("sha256 ", there, " on the device"),
                  cat("sha256 ", wanted, " as in the file"));
  }
  return {};
}

}  // namespace kigo::kernels
