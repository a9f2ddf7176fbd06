// A backend without a model, which wants one id after another, whatever it is fed: for what is to be shown
// about everything around the forward pass.
#pragma once

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "core/backend.h"
#include "core/model/session.h"

namespace kigo::tools {

class ScriptedBackend final : public Backend {
 public:
  /// The ids that logits prefer, in this order from the first token on, the last one for ever; at least one,
  /// each below vocab.
  ScriptedBackend(std::vector<uint32_t> ids, int64_t vocab, int64_t context)
      : session_(std::move(ids), vocab, *this), context_(context) {}

  const BackendInfo& info() const override { return info_; }
  const MemoryUse& memory() const override { return memory_; }
  int64_t context() const override { return context_; }
  model::Session& session() override { return session_; }

  /// Called in every step with the count of the steps before it in this run; an error ends the run.
  std::function<Status(size_t step)> on_step;

 private:
  class Script final : public model::Session {
   public:
    Script(std::vector<uint32_t> ids, int64_t vocab, const ScriptedBackend& owner)
        : ids_(std::move(ids)), vocab_(vocab), owner_(&owner) {}
    Result<model::Rows> forward(std::span<const uint32_t> tokens, model::Logits,
                                const model::TapSink&) override {
      if (owner_->on_step) KIGO_TRY(owner_->on_step(next_));
      KIGO_TRY(check_cancelled());
      model::Rows logits(1, vocab_);
      logits.values[ids_[std::min(next_++, ids_.size() - 1)]] = 1;
      length_ += static_cast<int64_t>(tokens.size());
      return logits;
    }
    int64_t length() const override { return length_; }
    void reset() override { length_ = 0, next_ = 0; }

   private:
    std::vector<uint32_t> ids_;
    int64_t vocab_;
    const ScriptedBackend* owner_;
    int64_t length_ = 0;
    size_t next_ = 0;
  };

  Script session_;
  int64_t context_;
  BackendInfo info_{.name = "scripted", .device_name = "none"};
  MemoryUse memory_;
};

}  // namespace kigo::tools
