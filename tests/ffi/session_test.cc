// The bare session and the bare draw.
#include <cmath>
#include <limits>

#include "tests/ffi/abi.h"

namespace kigo::ffi {
namespace {

struct Session : testing::Test {
  Owned<InferenceContext> open(uint32_t max_context = 0) {
    int err = -1;
    Owned<InferenceContext> session(cuda_inference_init(model.get(), max_context, &err));
    EXPECT_EQ(err, WORKER_OK) << last_failure();
    return session;
  }
  std::vector<float> forward(InferenceContext* session, const std::vector<uint32_t>& ids) {
    std::vector<float> logits(info_of(model.get()).vocab);
    EXPECT_EQ(worker_inference_forward(session, ids.data(), ids.size(), logits.data(), logits.size()),
              WORKER_OK)
        << last_failure();
    return logits;
  }

  const Owned<CudaContext> context = open_context(-1);
  const Owned<CudaModel> model = load(context.get(), shipped_model());
};

TEST_F(Session, ForwardAtOnceAndIdByIdHaveTheSameBits) {
  const std::vector<uint32_t> ids{5, 80, 7, 33, 12, 9};
  const auto whole = open();
  const auto one_by_one = open();
  std::vector<float> last;
  for (const uint32_t id : ids) last = forward(one_by_one.get(), {id});
  EXPECT_EQ(forward(whole.get(), ids), last);
}

TEST_F(Session, GivesTheIdsOfAGeneration) {
  WorkerSampling wanted = sampling(16, WORKER_IGNORE_EOS);
  wanted.temperature = 0.9F;
  wanted.top_k = 30;
  wanted.top_p = 0.9F;
  wanted.seed = 4711;
  const std::vector<uint32_t> expected = generate(model.get(), "rain", wanted).ids;
  std::vector<uint32_t> prompt = tokenize(model.get(), "rain", 0);
  uint32_t next = prompt.back();
  prompt.pop_back();
  const auto session = open();
  for (int round = 0; round < 2; ++round) {
    uint32_t token = next;
    if (!prompt.empty()) forward(session.get(), prompt);
    std::vector<uint32_t> found;
    for (size_t i = 0; i < expected.size(); ++i) {
      int err = -1;
      token = cuda_inference_generate_token(session.get(), token, 0.9F, 30, 0.9F, 4711, &err);
      ASSERT_EQ(err, WORKER_OK) << last_failure();
      found.push_back(token);
    }
    EXPECT_EQ(found, expected);
    cuda_inference_reset(session.get());  // position and draw index: the second round is the first
  }
}

TEST_F(Session, EndsAtItsContext) {
  const auto session = open(4);
  forward(session.get(), {1, 2, 3});
  std::vector<float> logits(info_of(model.get()).vocab);
  const uint32_t two[] = {4, 5};
  KIGO_EXPECT_FAILURE(WORKER_ERR_CONTEXT_OVERFLOW,
                      worker_inference_forward(session.get(), two, 2, logits.data(), logits.size()));
  forward(session.get(), {4});  // nothing of the two had joined
  int err = -1;
  EXPECT_EQ(cuda_inference_generate_token(session.get(), 5, 0, 0, 1, 0, &err), UINT32_MAX);
  KIGO_EXPECT_FAILURE(WORKER_ERR_CONTEXT_OVERFLOW, err);
  EXPECT_EQ(cuda_inference_init(model.get(), info_of(model.get()).context + 1, &err), nullptr);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, err);
}

TEST_F(Session, RefusesWhatItCannotTakeAndStaysAsItWas) {
  const auto session = open();
  const auto fresh = open();
  const uint32_t vocab = info_of(model.get()).vocab;
  std::vector<float> logits(vocab);
  const uint32_t ids[] = {1, vocab};
  int err = -1;
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER,
                      worker_inference_forward(session.get(), ids, 2, logits.data(), vocab));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER,
                      worker_inference_forward(session.get(), ids, 0, logits.data(), vocab));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER,
                      worker_inference_forward(session.get(), nullptr, 1, logits.data(), vocab));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER,
                      worker_inference_forward(session.get(), ids, 1, nullptr, vocab));
  KIGO_EXPECT_FAILURE(WORKER_ERR_BUFFER_TOO_SMALL,
                      worker_inference_forward(session.get(), ids, 1, logits.data(), vocab - 1));
  for (const float bad : {NAN, -1.0F, 3.0F}) {
    EXPECT_EQ(cuda_inference_generate_token(session.get(), 1, bad, 0, 1, 0, &err), UINT32_MAX);
    KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, err);
    EXPECT_EQ(cuda_inference_generate_token(session.get(), 1, 1, 0, bad, 0, &err), UINT32_MAX);
    KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, err);
  }
  EXPECT_EQ(cuda_inference_generate_token(session.get(), vocab, 0, 0, 1, 0, &err), UINT32_MAX);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, err);
  EXPECT_EQ(forward(session.get(), {1, 2}), forward(fresh.get(), {1, 2}));
}

struct Draw : Session {
  int draw(const std::vector<float>& logits, const WorkerSampling& wanted, uint64_t index, uint32_t* id,
           const std::vector<uint32_t>& history = {}) {
    return cuda_sample_token(context.get(), logits.data(), static_cast<uint32_t>(logits.size()),
                             history.data(), history.size(), &wanted, index, id);
  }
};

TEST_F(Draw, IsTheOneOfTheContract) {
  // u = 0.6129.. for seed 42, index 0; two equal logits: [0, 0.5) is id 0, [0.5, 1) is id 1 (docs/worker.md,
  // section 5).
  WorkerSampling wanted = sampling(1);
  wanted.temperature = 1;
  wanted.seed = 42;
  uint32_t id = 99;
  EXPECT_EQ(draw({3, 3}, wanted, 0, &id), WORKER_OK) << last_failure();
  EXPECT_EQ(id, 1u);
  wanted.temperature = 0;
  EXPECT_EQ(draw({3, 3}, wanted, 0, &id), WORKER_OK);
  EXPECT_EQ(id, 0u) << "ties to the lowest id";
  wanted.repetition_penalty = 2;
  EXPECT_EQ(draw({3, 2}, wanted, 0, &id, {0, 0}), WORKER_OK);
  EXPECT_EQ(id, 1u) << "1.5 is below 2";
}

TEST_F(Draw, IsTheOneOfTheBareSession) {
  const auto session = open();
  const auto other = open();
  const std::vector<float> logits = forward(session.get(), {5});
  WorkerSampling wanted = sampling(1);
  wanted.temperature = 1;
  wanted.seed = 3;
  wanted.top_k = 50;
  uint32_t id = 0;
  int err = -1;
  EXPECT_EQ(draw(logits, wanted, 0, &id), WORKER_OK) << last_failure();
  EXPECT_EQ(cuda_inference_generate_token(other.get(), 5, 1, 50, 1, 3, &err), id);
}

TEST_F(Draw, RefusesWhatNoTokenCanBeDrawnFrom) {
  uint32_t id = 99;
  const WorkerSampling wanted = sampling(1);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INFERENCE_FAILED, draw({1, NAN}, wanted, 0, &id));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INFERENCE_FAILED, draw({1, INFINITY}, wanted, 0, &id));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INFERENCE_FAILED, draw({-INFINITY}, wanted, 0, &id));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, draw({}, wanted, 0, &id));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, draw({1, 2}, wanted, 0, &id, {2}));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, draw({1, 2}, wanted, 0, nullptr));
  WorkerSampling bad = wanted;
  bad.temperature = NAN;
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, draw({1, 2}, bad, 0, &id));
  bad = wanted;
  bad.struct_size = 57;
  KIGO_EXPECT_FAILURE(WORKER_ERR_ABI_MISMATCH, draw({1, 2}, bad, 0, &id));
  const float logit = 1;
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER,
                      cuda_sample_token(context.get(), &logit, 1, nullptr, 0, nullptr, 0, &id));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER,
                      cuda_sample_token(context.get(), &logit, 1, nullptr, 1, &wanted, 0, &id));
  EXPECT_EQ(id, 99u);
}

}  // namespace
}  // namespace kigo::ffi
