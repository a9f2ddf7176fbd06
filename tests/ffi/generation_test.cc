// Generations, as the caller asks for them piece by piece.
#include <cmath>

#include "tests/ffi/abi.h"

namespace kigo::ffi {
namespace {

class Generation : public tools::ProgramTest {
 protected:
  int start_code(const WorkerSampling& wanted, std::string_view prompt = "rain") {
    int err = -1;
    const Owned<InferenceResult> result(
        worker_inference_start(model.get(), prompt.data(), prompt.size(), &wanted, &err));
    EXPECT_EQ(result == nullptr, err != WORKER_OK);
    return err;
  }

  const Owned<CudaContext> context = open_context(-1);
  const Owned<CudaModel> model = load(context.get(), shipped_model());
};

TEST_F(Generation, HasTheIdsOfTheProgramGreedyAndDrawn) {
  expect_the_programs_ids(
      -1, [this](const std::vector<std::string>& arguments) { return kigo(arguments).json(); });
}

TEST_F(Generation, RepeatsItself) {
  WorkerSampling drawn = sampling(20, WORKER_IGNORE_EOS);
  drawn.temperature = 1.5F;
  drawn.seed = 99;
  const Generated first = generate(model.get(), "rain", drawn);
  EXPECT_EQ(generate(model.get(), "rain", drawn).ids, first.ids);
  drawn.seed = 100;
  EXPECT_NE(generate(model.get(), "rain", drawn).ids, first.ids);
}

TEST_F(Generation, TheShortCallIsTheLongOneWithEveryFilterOff) {
  int err = -1;
  const Owned<InferenceResult> result(cuda_inference_start(model.get(), "rain", 12, 0.7F, 5, &err));
  ASSERT_EQ(err, WORKER_OK) << last_failure();
  WorkerSampling same = sampling(12);
  same.temperature = 0.7F;
  same.seed = 5;
  EXPECT_EQ(run(result.get()).ids, generate(model.get(), "rain", same).ids);
  EXPECT_EQ(cuda_inference_start(model.get(), nullptr, 12, 0, 0, &err), nullptr);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, err);
  for (const int tokens : {0, -1, INT32_MIN}) {
    EXPECT_EQ(cuda_inference_start(model.get(), "rain", tokens, 0, 0, &err), nullptr);
    KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, err);
  }
  EXPECT_EQ(cuda_inference_start(model.get(), "rain", 1, NAN, 0, &err), nullptr);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, err);
}

TEST_F(Generation, ThePromptMayBeIds) {
  const auto ids = tokenize(model.get(), "rain", WORKER_PARSE_SPECIAL);
  const WorkerSampling wanted = sampling(8);
  int err = -1;
  const Owned<InferenceResult> result(
      worker_inference_start_tokens(model.get(), ids.data(), ids.size(), &wanted, &err));
  ASSERT_EQ(err, WORKER_OK) << last_failure();
  EXPECT_EQ(run(result.get()).ids, generate(model.get(), "rain", wanted).ids);

  const WorkerSampling chat = sampling(8, WORKER_CHAT);
  EXPECT_EQ(worker_inference_start_tokens(model.get(), ids.data(), ids.size(), &chat, &err), nullptr);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, err);
  EXPECT_EQ(worker_inference_start_tokens(model.get(), ids.data(), 0, &wanted, &err), nullptr);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, err);
  EXPECT_EQ(worker_inference_start_tokens(model.get(), nullptr, 1, &wanted, &err), nullptr);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, err);
  const uint32_t beyond = info_of(model.get()).vocab;
  EXPECT_EQ(worker_inference_start_tokens(model.get(), &beyond, 1, &wanted, &err), nullptr);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, err);
  const std::vector<uint32_t> full(info_of(model.get()).context, 1);
  EXPECT_EQ(worker_inference_start_tokens(model.get(), full.data(), full.size(), &wanted, &err), nullptr);
  KIGO_EXPECT_FAILURE(WORKER_ERR_CONTEXT_OVERFLOW, err);
}

TEST_F(Generation, ABufferThatIsTooSmallConsumesNothing) {
  const Generated expected = generate(model.get(), "rain", sampling(20, WORKER_IGNORE_EOS));
  const auto result = start(model.get(), "rain", sampling(20, WORKER_IGNORE_EOS));
  std::string text;
  char piece[256];
  int err = -1;
  int refused = 0;
  for (;;) {
    int size = 0;
    bool there = false;
    do {  // one byte more each time
      there = cuda_inference_next_token(result.get(), piece, size, nullptr, &err);
      if (err == WORKER_ERR_BUFFER_TOO_SMALL) {
        ++refused;
        EXPECT_FALSE(there);
        EXPECT_EQ(worker_inference_stop_reason(result.get()), 0);
      }
    } while (err == WORKER_ERR_BUFFER_TOO_SMALL && ++size < 256);
    if (!there) break;
    EXPECT_EQ(std::string(piece).size() + 1, static_cast<size_t>(size)) << "the smallest that works";
    text += piece;
  }
  EXPECT_EQ(err, WORKER_OK);
  EXPECT_GT(refused, 20);
  EXPECT_EQ(text, expected.text);
  EXPECT_EQ(ids_of(result.get()), expected.ids);
  EXPECT_FALSE(cuda_inference_next_token(result.get(), piece, -5, nullptr, &err))
      << "over: the buffer does not matter";
  EXPECT_EQ(err, WORKER_OK);
  EXPECT_FALSE(cuda_inference_next_token(result.get(), nullptr, 5, nullptr, &err));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, err);
}

TEST_F(Generation, PiecesAreContiguousAndIdsGrow) {
  const auto result = start(model.get(), "rain", sampling(30, WORKER_IGNORE_EOS));
  char piece[256];
  int index = -1;
  int last = -1;
  int err = -1;
  while (cuda_inference_next_token(result.get(), piece, sizeof piece, &index, &err)) {
    EXPECT_GT(index, last);
    EXPECT_GT(ids_of(result.get()).size(), static_cast<size_t>(index));
    last = index;
  }
  EXPECT_EQ(ids_of(result.get()).size(), 30u);
  size_t count = 0;
  uint32_t ids[29];
  KIGO_EXPECT_FAILURE(WORKER_ERR_BUFFER_TOO_SMALL, worker_inference_ids(result.get(), ids, 29, &count));
  EXPECT_EQ(count, 30u);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, worker_inference_ids(result.get(), ids, 29, nullptr));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, worker_inference_ids(result.get(), nullptr, 29, &count));
}

TEST_F(Generation, StopsForEachOfItsReasons) {
  EXPECT_EQ(generate(model.get(), "rain", sampling(3, WORKER_IGNORE_EOS)).stop_reason, 1);
  EXPECT_EQ(generate(model.get(), "Write a haiku about rain", sampling(100, WORKER_CHAT)).stop_reason, 2);

  const Generated whole = generate(model.get(), "rain", sampling(30, WORKER_IGNORE_EOS));
  const std::string found = whole.text.substr(whole.text.size() / 2, 3);
  const char* const stops[] = {"never to be found", found.c_str()};
  WorkerSampling stopping = sampling(30, WORKER_IGNORE_EOS);
  stopping.stop = stops;
  stopping.n_stop = 2;
  const Generated stopped = generate(model.get(), "rain", stopping);
  EXPECT_EQ(stopped.stop_reason, 3);
  EXPECT_EQ(stopped.text, whole.text.substr(0, whole.text.find(found)));

  WorkerLoadOptions small{};
  small.struct_size = sizeof small;
  small.max_context = 16;
  int err = -1;
  const Owned<CudaModel> short_model(
      worker_load_model(context.get(), shipped_model().c_str(), &small, nullptr, &err));
  const Generated full =
      generate(short_model.get(), "rain falls on the roof", sampling(16, WORKER_IGNORE_EOS));
  EXPECT_EQ(full.stop_reason, 4);
}

TEST_F(Generation, CancelEndsItFromAnotherThread) { expect_cancel_to_end_it(-1); }

TEST_F(Generation, CancelBeforeTheFirstTokenAndAfterTheLast) {
  const auto early = start(model.get(), "rain", sampling(5));
  EXPECT_EQ(worker_inference_cancel(early.get()), WORKER_OK);
  const Generated none = run(early.get());
  EXPECT_EQ(none.err, WORKER_ERR_CANCELLED);
  EXPECT_TRUE(none.ids.empty());
  const auto late = start(model.get(), "rain", sampling(5));
  EXPECT_EQ(run(late.get()).err, WORKER_OK);
  EXPECT_EQ(worker_inference_cancel(late.get()), WORKER_OK);
  EXPECT_EQ(run(late.get()).err, WORKER_OK);
  EXPECT_EQ(worker_inference_stop_reason(late.get()), 2);
}

TEST_F(Generation, SeveralOfOneModelDoNotDisturbEachOther) {
  const WorkerSampling wanted = sampling(10, WORKER_IGNORE_EOS);
  const Generated rain = generate(model.get(), "rain", wanted);
  const Generated sea = generate(model.get(), "the sea", wanted);
  const auto first = start(model.get(), "rain", wanted);
  const auto second = start(model.get(), "the sea", wanted);
  std::string text[2];
  char piece[256];
  for (bool more = true; more;) {
    more = false;
    for (int i = 0; i < 2; ++i) {
      if (!cuda_inference_next_token(i == 0 ? first.get() : second.get(), piece, sizeof piece, nullptr,
                                     nullptr))
        continue;
      text[i] += piece;
      more = true;
    }
  }
  EXPECT_EQ(text[0], rain.text);
  EXPECT_EQ(text[1], sea.text);
}

TEST_F(Generation, RefusesParametersOutOfRange) {
  using Sampling = WorkerSampling;
  const auto code = [&](auto change) {
    Sampling wanted = sampling(5);
    change(wanted);
    return start_code(wanted);
  };
  const char* const stops[] = {"a", "b", "c", "d", nullptr};
  const std::string long_stop(101, 'x');
  const char* const long_stops[] = {long_stop.c_str()};
  const char* const empty_stops[] = {""};
  KIGO_EXPECT_FAILURE(WORKER_ERR_ABI_MISMATCH, code([](Sampling& s) { s.struct_size = 40; }));
  EXPECT_STREQ(worker_last_error_message(), "WorkerSampling.struct_size: 40, expected 56");
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, code([](Sampling& s) { s.flags = 8; }));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, code([](Sampling& s) { s.reserved = 1; }));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, code([](Sampling& s) { s.max_tokens = 0; }));
  const uint32_t context_length = info_of(model.get()).context;
  EXPECT_EQ(code([&](Sampling& s) { s.max_tokens = context_length; }), WORKER_OK);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER,
                      code([&](Sampling& s) { s.max_tokens = context_length + 1; }));
  EXPECT_EQ(code([](Sampling& s) { s.top_k = 2147483647; }), WORKER_OK);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, code([](Sampling& s) { s.top_k = 2147483648; }));
  for (const float bad : {-0.1F, 2.1F, NAN, INFINITY}) {
    KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, code([&](Sampling& s) { s.temperature = bad; }));
    KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, code([&](Sampling& s) { s.top_p = bad; }));
    KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, code([&](Sampling& s) { s.min_p = bad; }));
    KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, code([&](Sampling& s) { s.repetition_penalty = bad; }));
  }
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, code([](Sampling& s) { s.repetition_penalty = 0; }));
  const auto with_stops = [&](const char* const* list, uint32_t n) {
    return code([&](Sampling& s) { s.stop = list, s.n_stop = n; });
  };
  EXPECT_EQ(with_stops(stops, 4), WORKER_OK);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, with_stops(stops, 5));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, with_stops(stops + 3, 2));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, with_stops(nullptr, 1));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, with_stops(long_stops, 1));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, with_stops(empty_stops, 1));
}

TEST_F(Generation, RefusesPromptsThatAreNone) {
  const WorkerSampling wanted = sampling(5);
  int err = -1;
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, start_code(wanted, ""));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, start_code(wanted, "\xFF"));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, start_code(wanted, std::string(131073, 'a')));
  KIGO_EXPECT_FAILURE(WORKER_ERR_CONTEXT_OVERFLOW, start_code(wanted, std::string(131072, 'a')));
  EXPECT_EQ(worker_inference_start(model.get(), nullptr, 4, &wanted, &err), nullptr);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, err);
  EXPECT_EQ(worker_inference_start(model.get(), "rain", 4, nullptr, &err), nullptr);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, err);
}

TEST_F(Generation, TextGoesThroughIdsAndBack) {
  const std::string text = "Rain, \u00e9t\u00e9 \U0001F600!\n";
  const auto ids = tokenize(model.get(), text, 0);
  std::string back(text.size(), '?');
  size_t bytes = 0;
  EXPECT_EQ(worker_detokenize(model.get(), ids.data(), ids.size(), back.data(), back.size(), &bytes),
            WORKER_OK);
  EXPECT_EQ(back, text);
  EXPECT_EQ(bytes, text.size());
  KIGO_EXPECT_FAILURE(WORKER_ERR_BUFFER_TOO_SMALL, worker_detokenize(model.get(), ids.data(), ids.size(),
                                                                     back.data(), back.size() - 1, &bytes));
  EXPECT_EQ(bytes, text.size());
  size_t count = 0;
  uint32_t first = 12345;
  KIGO_EXPECT_FAILURE(WORKER_ERR_BUFFER_TOO_SMALL,
                      worker_tokenize(model.get(), text.data(), text.size(), 0, &first, 1, &count));
  EXPECT_EQ(count, ids.size());
  EXPECT_EQ(first, 12345u) << "untouched";
  EXPECT_EQ(worker_detokenize(model.get(), nullptr, 0, nullptr, 0, &bytes), WORKER_OK);
  EXPECT_EQ(bytes, 0u);
  const uint32_t beyond = info_of(model.get()).vocab;
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER,
                      worker_detokenize(model.get(), &beyond, 1, back.data(), back.size(), &bytes));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER,
                      worker_tokenize(model.get(), "\xC3", 1, 0, &first, 1, &count));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER,
                      worker_tokenize(model.get(), "a", 1, WORKER_IGNORE_EOS, &first, 1, &count));
}

TEST_F(Generation, PartsOfACharacterBecomeReplacements) {
  const auto ids = tokenize(model.get(), "\U0001F600", 0);
  ASSERT_GT(ids.size(), 1u);
  char text[16];
  size_t bytes = 0;
  EXPECT_EQ(worker_detokenize(model.get(), ids.data(), 1, text, sizeof text, &bytes), WORKER_OK);
  EXPECT_EQ(std::string(text, bytes), "\uFFFD");
}

TEST_F(Generation, ANulInATextIsNotItsEnd) {
  const auto nul = tokenize(model.get(), std::string(1, '\0'), 0);
  ASSERT_EQ(nul.size(), 1u);
  char text[4] = "???";
  size_t bytes = 0;
  EXPECT_EQ(worker_detokenize(model.get(), nul.data(), 1, text, sizeof text, &bytes), WORKER_OK);
  EXPECT_EQ(std::string(text, bytes), std::string(1, '\0'));
  // The tiny model's greedy answer has one, found by its id.
  const auto tiny = load(context.get(), tiny_model("tiny-q4_k_m"));
  const Generated answer = generate(tiny.get(), "a", sampling(40, WORKER_IGNORE_EOS));
  std::string whole(1000, '?');
  EXPECT_EQ(
      worker_detokenize(tiny.get(), answer.ids.data(), answer.ids.size(), whole.data(), whole.size(), &bytes),
      WORKER_OK);
  whole.resize(bytes);
  const size_t at = whole.find('\0');
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(answer.text.substr(0, at + 3), cat(whole.substr(0, at), "\uFFFD"));
}

TEST_F(Generation, SpecialTextCountsOnlyWhereAsked) {
  const std::string text = "<|im_end|>";
  EXPECT_EQ(tokenize(model.get(), text, WORKER_PARSE_SPECIAL).size(), 1u);
  EXPECT_GT(tokenize(model.get(), text, 0).size(), 1u);
}

}  // namespace
}  // namespace kigo::ffi
