// Whole models on a GPU: loading by phase, prompts, greedy steps, the first token of a new sequence, and what
// of a step's time is the device's. Seeded models with the types of q4_k_m files; a file is made in --folder
// if it is not there, and stays.
//   kigo_model_bench [--quick] [--filter REGEX] [--history FILE] [--folder FOLDER | --model FILE] | --list |
//   --serve
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/driver.h"
#include "bench/gpu_ceilings.h"
#include "bench/gpu_clock.h"
#include "bench/gpu_kernels.h"
#include "bench/model_step.h"
#include "core/base/cat.h"
#include "kernels/model.h"
#include "tools/lib/seeded_model.h"

namespace kigo::bench {
namespace {

using kernels::Prefill;
using tools::perf::Kind;

constexpr int64_t kMethod = 1;
constexpr int64_t kChunk = 512;  // of the library's own choice
constexpr int64_t kSteps = 128;
constexpr int64_t kDeep = 4096;
constexpr int64_t kFirstTokenPrompt = 512;

struct Entry {
  std::string shape;
  std::string mode;  // load: phases of loading; half, precise: prompts in that way, and steps with half
};
const Entry kEntries[] = {{"qwen2.5-0.5b", "half"}, {"qwen2.5-0.5b", "precise"}, {"qwen2.5-0.5b", "load"},
                          {"qwen2.5-7b", "half"},   {"qwen2.5-7b", "precise"},   {"qwen2.5-7b", "load"},
                          {"llama-3-8b", "half"}};

std::string name_of(const Entry& entry) { return cat("model/", entry.shape, "/", entry.mode); }

/// Ids below `vocab` that every shape has, others for another block.
std::vector<uint32_t> tokens(int64_t count, int64_t block, int64_t vocab) {
  std::vector<uint32_t> ids;
  for (int64_t i = 0; i < count; ++i)
    ids.push_back(static_cast<uint32_t>((7 + 977 * block + 131 * i) % std::min<int64_t>(vocab, 128'000)));
  return ids;
}

/// A model in device memory, kept for the next block.
struct Loaded {
  std::string name;
  std::optional<model::Model> file;
  std::unique_ptr<kernels::Model> model;      // before the file goes
  std::unique_ptr<kernels::Session> session;  // before the model goes

  void clear() {
    session.reset();
    model.reset();
    file.reset();
    name.clear();
  }
};

class ModelBench final : public Program {
 public:
  std::string name() const override { return "kigo_model_bench"; }
  std::string summary() const override { return "Times whole models on the GPU"; }
  std::vector<Option> options() override {
    return {{"--folder", "Where the files of the models are, or are made (the temporary folder)", &folder_},
            {"--model", "A GGUF file to measure instead of these", &model_}};
  }
  std::vector<std::string> names(bool quick) const override {
    std::vector<std::string> all;
    for (const Entry& entry : entries()) all.push_back(name_of(entry));
    if (quick) all.resize(1);
    return all;
  }
  Result<std::optional<std::string>> prepare(bool quick) override;
  Setting setting() const override { return clock_ ? clock_->setting(kMethod) : Setting{}; }
  Result<std::vector<Record>> measure(const Request& request) override;
  Result<std::vector<Record>> ceilings(const Request& request) override {
    return measure_ceilings(*clock_, context_->vram(), request.delay_us);
  }
  bool usable() override { return !context_ || context_->health().has_value(); }

 private:
  std::vector<Entry> entries() const;
  Result<std::string> file_of_entry() const;
  Status load();
  int64_t vocab() const { return loaded_.file->config.vocab; }  // of what is loaded
  Status measure_all(const Request& request);
  Status measure_loading(const Request& request);
  Status measure_prompts(const Request& request);
  enum class Answer { id, logits };  // what of a step comes to the host
  Status measure_steps(int64_t depth, Answer answer, const Request& request);
  Status measure_first_token(const Request& request);
  Status measure_step_alone(int64_t depth, const Request& request);
  Result<Record*> add(const std::string& what, int64_t count, const Take& take);

  std::string folder_ = std::filesystem::temp_directory_path().string();
  std::string model_;
  std::optional<kernels::Context> context_;
  std::optional<GpuClock> clock_;
  Loaded loaded_;
  Entry entry_{};
  std::vector<Record> records_;
};

Result<std::optional<std::string>> ModelBench::prepare(bool) {
  const auto devices = kernels::device_count();
  if (!devices) return std::optional(devices.error().message());
  if (*devices == 0) return std::optional<std::string>("no CUDA device");
  KIGO_ASSIGN(kernels::Context context, kernels::Context::create());
  context_.emplace(std::move(context));
  KIGO_ASSIGN(GpuClock clock, GpuClock::create(context_->info(), context_->stream()));
  clock_.emplace(std::move(clock));
  return std::nullopt;
}

/// Ten samples: each of them is long, and the mean of many launches. Half a second of warming up and no
/// rests, because whole models use more power than the device may: its clock is at first what a short kernel
/// has, comes down by a tenth, and stays there within 2 % while the work goes on.
Result<Record*> ModelBench::add(const std::string& what, int64_t count, const Take& take) {
  Record record;
  record.subject = {Kind::model, entry_.shape, cat("mode=", entry_.mode, " what=", what),
                    tools::perf::Cache::none};
  record.setting = setting();
  record.tokens = static_cast<double>(count);
  const Plan plan{.most = 10, .clock_off = 0.03, .warm_up_least_s = 0.5, .limit_s = 30};
  KIGO_ASSIGN(Sampled sampled, sample(plan, take, steady_seconds, [] {}));
  fill(record, std::move(sampled));
  clock_->describe(record);
  records_.push_back(std::move(record));
  return &records_.back();
}

std::vector<Entry> ModelBench::entries() const {
  if (model_.empty()) return {std::begin(kEntries), std::end(kEntries)};
  const std::string name = std::filesystem::path(model_).stem();
  return {{name, "half"}, {name, "precise"}, {name, "load"}};
}

Result<std::string> ModelBench::file_of_entry() const {
  if (!model_.empty()) return model_;
  std::string path = cat(folder_, "/kigo-bench-", entry_.shape, "-q4_k_m.gguf");
  if (!std::filesystem::exists(path)) {
    std::cerr << "making " << path << '\n';
    KIGO_TRY(tools::make_model(tools::SeededModel{entry_.shape, "q4_k_m", 1}, path));
  }
  return path;
}

kernels::Options options_of(const Entry& entry) {
  const bool precise = entry.mode == "precise";
  return {.prefill = precise ? Prefill::precise : Prefill::half, .chunk = kChunk};
}

/// What was taken from the device against what was planned, for whoever reads along.
Status report_memory(const kernels::Model& model, int64_t free_before) {
  KIGO_ASSIGN(const int64_t free_now, model.engine().context->free_bytes());
  const kernels::MemoryPlan& plan = model.memory();
  const auto mib = [](int64_t bytes) { return bytes >> 20; };
  std::cerr << "MiB planned: weights " << mib(plan.weights_bytes) << ", kv " << mib(plan.kv_bytes)
            << ", workspace " << mib(plan.workspace_bytes) << ", together " << mib(plan.total_bytes())
            << "; taken from the device " << mib(free_before - free_now) << '\n';
  return {};
}

Status ModelBench::load() {
  if (loaded_.name == name_of(entry_)) return {};
  loaded_.clear();
  KIGO_ASSIGN(const int64_t free_before, context_->free_bytes());
  KIGO_ASSIGN(const std::string path, file_of_entry());
  KIGO_ASSIGN(loaded_.file, model::open(path));
  KIGO_ASSIGN(loaded_.model, kernels::Model::load(*context_, *loaded_.file, options_of(entry_)));
  KIGO_ASSIGN(loaded_.session, kernels::Session::create(*loaded_.model));
  loaded_.name = name_of(entry_);
  return report_memory(*loaded_.model, free_before);
}

/// From the file to a session. What is measured once is undone before it is measured again.
Status ModelBench::measure_loading(const Request& request) {
  loaded_.clear();
  KIGO_ASSIGN(const std::string path, file_of_entry());
  const auto phase = [&](const char* what, const GpuClock::Work& work, const GpuClock::Work& undo) {
    return add(what, 0, clock_->take_on_host(work, request.delay_us, undo));
  };
  const auto open = [&]() -> Status {
    KIGO_ASSIGN(loaded_.file, model::open(path));
    return {};
  };
  const auto close = [&]() -> Status {
    loaded_.file.reset();
    return {};
  };
  KIGO_TRY(phase("open", open, close));
  const auto weights = [&]() -> Status {
    KIGO_ASSIGN(loaded_.model, kernels::Model::load(*context_, *loaded_.file, options_of(entry_)));
    return {};
  };
  const auto unload = [&]() -> Status {
    loaded_.model.reset();
    return {};
  };
  KIGO_TRY(phase("weights", weights, unload));
  const auto session = [&]() -> Status {
    KIGO_ASSIGN(loaded_.session, kernels::Session::create(*loaded_.model));
    return {};
  };
  const auto end = [&]() -> Status {
    loaded_.session.reset();
    return {};
  };
  KIGO_TRY(phase("session", session, end));
  loaded_.clear();
  return {};
}

/// From the ids to the logits of the last position on the host, in an empty session.
Status ModelBench::measure_prompts(const Request& request) {
  kernels::Session& session = *loaded_.session;
  std::vector<int64_t> counts = {64, 512};
  if (loaded_.model->options().prefill == Prefill::half) counts.push_back(2048);
  for (const int64_t count : counts) {
    const std::vector<uint32_t> ids = tokens(count, request.block, vocab());
    const auto forward = [&]() -> Status {
      KIGO_TRY(session.forward(ids, model::Logits::Last));
      return {};
    };
    const auto reset = [&]() -> Status {
      session.reset();
      return {};
    };
    KIGO_TRY(add(cat("prefill tokens=", count, " chunk=", kChunk), count,
                 clock_->take_on_host(forward, request.delay_us, reset)));
  }
  return {};
}

/// Steps behind so many positions, each with its token from the host and its choice or all its logits on the
/// host.
Status ModelBench::measure_steps(int64_t depth, Answer answer, const Request& request) {
  kernels::Session& session = *loaded_.session;
  const std::vector<uint32_t> prompt = tokens(depth, request.block, vocab());
  const auto go_there = [&]() -> Status {
    session.reset();
    if (depth > 0) KIGO_TRY(session.forward(prompt, model::Logits::Last));
    return {};
  };
  const auto decode = [&]() -> Status {
    auto id = static_cast<uint32_t>((4711 + request.block) % vocab());
    for (int64_t i = 0; i < kSteps; ++i) {
      if (answer == Answer::id) {
        KIGO_ASSIGN(id, session.decode(id));
      } else {
        KIGO_ASSIGN(const model::Rows logits, session.forward({&id, 1}, model::Logits::Last));
        // Other tokens, and no time for looking for the best: that is not what is measured.
        id = static_cast<uint32_t>((id + 131) % static_cast<uint32_t>(logits.width));
      }
    }
    return {};
  };
  const char* const what = answer == Answer::id ? "decode" : "decode_logits";
  KIGO_TRY(add(cat(what, " tokens=", kSteps, " depth=", depth), kSteps,
               clock_->take_on_host(decode, request.delay_us, go_there)));
  session.reset();
  return {};
}

/// For a sequence that did not exist before: a session, its prompt, and the choice on the host.
Status ModelBench::measure_first_token(const Request& request) {
  const std::vector<uint32_t> ids = tokens(kFirstTokenPrompt, request.block, vocab());
  loaded_.session.reset();
  const auto answer = [&]() -> Status {
    KIGO_ASSIGN(loaded_.session, kernels::Session::create(*loaded_.model));
    KIGO_ASSIGN(const model::Rows logits, loaded_.session->forward(ids, model::Logits::Last));
    // Kept alive by the comparison: an id beyond the vocabulary cannot be.
    const auto best = std::ranges::max_element(logits.values);
    return best == logits.values.end() ? Status(fail(Code::bad_shape, "logits", "none", "some")) : Status{};
  };
  const auto end = [&]() -> Status {
    loaded_.session.reset();
    return {};
  };
  KIGO_TRY(add(cat("first_token tokens=", kFirstTokenPrompt), 0,
               clock_->take_on_host(answer, request.delay_us, end)));
  return {};
}

/// The kernels of one step between two events, with the host out of the way: what of a step's time in
/// `decode` is the device's, launch gaps included. With the kernels and how often each is launched for one
/// token.
Status ModelBench::measure_step_alone(int64_t depth, const Request& request) {
  loaded_.session->reset();
  KIGO_ASSIGN(const auto step, DecodeStep::make(*loaded_.model, depth));
  const Launch launch = step->launch();
  KIGO_TRY(launch(clock_->stream()));  // the first launch loads the kernels' code
  KIGO_ASSIGN(const kernels::GraphExec graph, clock_->graph_of(std::span(&launch, 1), 1));
  const Launch replay =
      clock_->delayed([&](kernels::Stream stream) { return graph.launch(stream); }, request.delay_us);
  KIGO_ASSIGN(Record* const record,
              add(cat("step_alone depth=", depth), 1, clock_->take(replay, GpuClock::Flush::yes, 2)));
  record->bytes = step->weights_bytes();
  KIGO_ASSIGN(record->kernels, kernels_of(launch, clock_->stream()));
  return {};
}

Status ModelBench::measure_all(const Request& request) {
  if (entry_.mode == "load") return measure_loading(request);
  KIGO_TRY(load());
  if (!loaded_.session) {
    KIGO_ASSIGN(loaded_.session, kernels::Session::create(*loaded_.model));
  }
  KIGO_TRY(measure_prompts(request));
  if (loaded_.model->options().prefill == Prefill::precise) return {};
  for (const int64_t depth : {int64_t{0}, kDeep}) {
    KIGO_TRY(measure_steps(depth, Answer::id, request));
    // For a comparison with engines that hand out logits.
    if (!model_.empty()) KIGO_TRY(measure_steps(depth, Answer::logits, request));
    KIGO_TRY(measure_step_alone(depth, request));
  }
  return measure_first_token(request);
}

Result<std::vector<Record>> ModelBench::measure(const Request& request) {
  const auto all = entries();
  const auto entry = std::ranges::find(all, request.name, name_of);
  if (entry == all.end())
    return fail(Code::invalid_request, request.name, "not known", "a name of kigo_model_bench --list");
  entry_ = *entry;
  records_.clear();
  if (const Status status = measure_all(request); !status) {
    // What was measured until then is kept.
    Record failed;
    failed.subject = subject_of(request.name);
    failed.setting = setting();
    failed.state = tools::perf::State::invalid;
    failed.why = status.error().message();
    records_.push_back(std::move(failed));
    loaded_.clear();
  }
  return std::move(records_);
}

}  // namespace
}  // namespace kigo::bench

int main(int count, char** arguments) {
  kigo::bench::ModelBench bench;
  return kigo::bench::run_program(bench, count, arguments);
}
