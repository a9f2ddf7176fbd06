// What others ask of the tokenizer's benchmarks.
#pragma once

namespace kigo::bench {

/// Whether the vocabulary that they load is there: KIGO_VOCAB, or the Qwen2 vocabulary beside the checkout.
bool has_vocabulary();

}  // namespace kigo::bench
