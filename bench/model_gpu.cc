// Whole models on a GPU: loading by phase, prompts, greedy steps, and memory against its plan.
//
//   kigo_model_bench [--shape NAME]... [--history FILE] [--machine NAME] [--folder FOLDER] [--chunk TOKENS]
//
// Without --shape: qwen2.5-0.5b, qwen2.5-7b and llama-3-8b, seeded, with the types of their q4_k_m files; a
// file is made in the folder (the temporary one by default) if it is not there, and stays. Without a GPU: NOT
// RUN, and status 0.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

#include "core/base/cat.h"
#include "core/base/json.h"
#include "kernels/model.h"
#include "tools/lib/iso_time.h"
#include "tools/lib/seeded_model.h"

namespace kigo::bench {
namespace {

using kernels::Options;
using kernels::Overlap;
using kernels::Prefill;
using kernels::Purpose;

struct Settings {
  std::vector<std::string> shapes;
  std::string history;
  std::string machine = "unnamed";
  std::string folder = std::filesystem::temp_directory_path().string();
  int64_t chunk = 512;
};

/// One line of the history, and of the output.
struct Line {
  std::string shape;
  std::string mode;
  std::string what;
  double ms = 0;
  int64_t tokens = 0;  // 0: not a matter of tokens
};

double ms_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

/// The middle one of several runs behind one that warms up.
double middle_ms(int runs, const std::function<void()>& work) {
  work();
  std::vector<double> all;
  for (int i = 0; i < runs; ++i) all.push_back(ms_of(work));
  std::nth_element(all.begin(), all.begin() + runs / 2, all.end());
  return all[static_cast<size_t>(runs / 2)];
}

template <class T>
T value_of(Result<T> result) {
  if (!result) {
    std::cerr << result.error().message() << "\n";
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

std::vector<uint32_t> tokens(int64_t count) {
  std::vector<uint32_t> ids;
  for (int64_t i = 0; i < count; ++i) ids.push_back(static_cast<uint32_t>((7 + 131 * i) % 128'000));
  return ids;
}

class Bench {
 public:
  Bench(Settings settings, kernels::Context& context) : settings_(std::move(settings)), context_(context) {}

  void run(const std::string& shape) {
    const std::string path = settings_.folder + "/kigo-bench-" + shape + "-q4_k_m.gguf";
    if (!std::filesystem::exists(path)) {
      std::cout << "making " << path << "\n";
      value_of(tools::make_model(tools::SeededModel{shape, "q4_k_m", 1}, path));
    }
    std::cout << shape << ", q4_k_m\n";
    Result<model::Model> opened = tl::unexpected(Error{});
    note({shape, "", "open file", ms_of([&] { opened = model::open(path); })});
    const model::Model file = value_of(std::move(opened));
    for (const Prefill prefill : {Prefill::half, Prefill::precise}) run(shape, file, {.prefill = prefill});
    run_steps_without_overlap(shape, file);
  }

 private:
  void run(const std::string& shape, const model::Model& file, Options options) {
    options.chunk = settings_.chunk;
    const std::string mode = options.prefill == Prefill::half ? "half" : "precise";
    const int64_t free_before = value_of(context_.free_bytes());
    Result<std::unique_ptr<kernels::Model>> loaded = nullptr;
    note({shape, mode, "load weights",
          ms_of([&] { loaded = kernels::Model::load(context_, file, options); })});
    const auto model = value_of(std::move(loaded));
    Result<std::unique_ptr<kernels::Session>> made = nullptr;
    note({shape, mode, "make session", ms_of([&] { made = kernels::Session::create(*model); })});
    const auto session = value_of(std::move(made));
    const auto one = tokens(1);
    note({shape, mode, "first step", ms_of([&] { value_of(session->decode(one[0])); })});
    note({shape, mode, "second step, with its graph", ms_of([&] { value_of(session->decode(one[0])); })});
    report_memory(*model, free_before);
    std::cout << "  " << value_of(session->step_nodes()) << " graph nodes a step\n";

    const int runs = options.prefill == Prefill::half ? 7 : 3;
    for (const int64_t count : {512, 2048}) {
      const auto ids = tokens(count);
      note({shape, mode, cat("prefill ", count),
            middle_ms(runs,
                      [&] {
                        session->reset();
                        value_of(session->forward(ids, model::Logits::Last));
                      }),
            count});
    }
    if (options.prefill == Prefill::half)
      for (const int64_t depth : {0, 512}) steps(shape, "fused", *session, depth);
  }

  /// 128 steps, each with its token from the host and its choice on the host.
  void steps(const std::string& shape, const std::string& mode, kernels::Session& session, int64_t depth) {
    constexpr int64_t kSteps = 128;
    std::vector<double> all;
    for (int run = 0; run < 6; ++run) {
      session.reset();
      if (depth > 0) value_of(session.forward(tokens(depth), model::Logits::Last));
      uint32_t id = 4711;
      const double ms = ms_of([&] {
        for (int64_t i = 0; i < kSteps; ++i) id = value_of(session.decode(id));
      });
      if (run > 0) all.push_back(ms);  // the first one warms up
    }
    std::nth_element(all.begin(), all.begin() + 2, all.end());
    note({shape, mode, cat("decode 128 behind ", depth), all[2], kSteps});
  }

  void run_steps_without_overlap(const std::string& shape, const model::Model& file) {
    const auto model = value_of(kernels::Model::load(context_, file, {.overlap = Overlap::none}));
    const auto session = value_of(kernels::Session::create(*model));
    steps(shape, "fused, no overlap", *session, 0);
  }

  void report_memory(const kernels::Model& model, int64_t free_before) {
    const kernels::MemoryPlan& plan = model.memory();
    const kernels::Vram& vram = context_.vram();
    const int64_t used = free_before - value_of(context_.free_bytes());
    const auto mib = [](int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
    std::cout << "  MiB planned: weights " << mib(plan.weights_bytes) << ", kv " << mib(plan.kv_bytes)
              << ", workspace " << mib(plan.workspace_bytes) << ", together " << mib(plan.total_bytes())
              << "; tracked " << mib(vram.total_bytes()) << "; taken from the device " << mib(used) << " ("
              << 100.0 * static_cast<double>(used) / static_cast<double>(plan.total_bytes()) - 100
              << " % more than planned)\n";
  }

  void note(const Line& line) {
    std::cout << "  " << std::left << std::setw(18) << line.mode << std::setw(30) << line.what << std::right
              << std::setw(10) << line.ms << " ms";
    const double per_s = line.tokens > 0 ? static_cast<double>(line.tokens) / line.ms * 1000 : 0;
    if (line.tokens > 0) std::cout << std::setw(12) << per_s << " tokens/s";
    std::cout << std::endl;
    if (settings_.history.empty()) return;
    const Json json = Json::object({{"date", tools::today()},
                                    {"machine", settings_.machine},
                                    {"gpu", context_.info().name},
                                    {"commit", KIGO_COMMIT},
                                    {"bench", "model"},
                                    {"shape", line.shape},
                                    {"types", "q4_k_m"},
                                    {"mode", line.mode},
                                    {"chunk", settings_.chunk},
                                    {"what", line.what},
                                    {"ms", line.ms},
                                    {"tokens_per_s", per_s}});
    std::ofstream file(settings_.history, std::ios::app);
    file << json.dump() << "\n";
    file.flush();
    if (!file)
      value_of<void>(fail(Code::io, settings_.history, "cannot be appended to", "a file to write to"));
  }

  Settings settings_;
  kernels::Context& context_;
};

Result<Settings> read_arguments(const std::vector<std::string>& arguments) {
  Settings settings;
  for (size_t i = 0; i < arguments.size(); i += 2) {
    const std::string& name = arguments[i];
    if (i + 1 == arguments.size()) return fail(Code::invalid_request, name, "no value", "a value");
    const std::string& value = arguments[i + 1];
    if (name == "--shape") {
      settings.shapes.push_back(value);
    } else if (name == "--history") {
      settings.history = value;
    } else if (name == "--machine") {
      settings.machine = value;
    } else if (name == "--folder") {
      settings.folder = value;
    } else if (name == "--chunk") {
      settings.chunk = std::atoll(value.c_str());
    } else {
      return fail(Code::invalid_request, "option", name,
                  "--shape, --history, --machine, --folder or --chunk");
    }
  }
  if (settings.shapes.empty()) settings.shapes = {"qwen2.5-0.5b", "qwen2.5-7b", "llama-3-8b"};
  return settings;
}

int run(int count, char** arguments) {
  const Settings settings = value_of(read_arguments({arguments + 1, arguments + count}));
  const Result<int> devices = kernels::device_count();
  if (!devices || *devices == 0) {
    std::cout << "NOT RUN: " << (devices ? "no CUDA device" : devices.error().message()) << "\n";
    return 0;
  }
  kernels::Context context = value_of(kernels::Context::create());
  std::cout << context.info().name << std::fixed << std::setprecision(2) << "\n";
  Bench bench(settings, context);
  for (const std::string& shape : settings.shapes) bench.run(shape);
  return 0;
}

}  // namespace
}  // namespace kigo::bench

int main(int count, char** arguments) { return kigo::bench::run(count, arguments); }
