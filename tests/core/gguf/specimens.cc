// Each specimen is built field by field; none comes from the writer.
#include "tests/core/gguf/specimens.h"

#include "core/base/cat.h"
#include "tests/core/gguf/bytes.h"

namespace kigo::gguf::test {
namespace {

/// Ends the file: the last needed byte has been put; what follows is padding.
Specimen done(std::string name, Bytes bytes, size_t alignment = 32) {
  const size_t needed = bytes.size();
  bytes.pad(alignment);
  return {std::move(name), std::move(bytes.vector()), needed};
}

Specimen all_values() {
  Bytes b;
  b.header(1, 24);
  b.pair("u8", ValueType::u8, uint8_t{200}).pair("i8", ValueType::i8, int8_t{-3});
  b.pair("u16", ValueType::u16, uint16_t{60000}).pair("i16", ValueType::i16, int16_t{-300});
  b.pair("u32", ValueType::u32, 4000000000u).pair("i32", ValueType::i32, -70000);
  b.pair("u64", ValueType::u64, uint64_t{1} << 60).pair("i64", ValueType::i64, -(int64_t{1} << 60));
  b.pair("f32", ValueType::f32, 0.1f).pair("f64", ValueType::f64, 0.1);
  b.pair("yes", ValueType::boolean, uint8_t{1}).pair("poem", "old pond\n");
  b.array("u8s", ValueType::u8, 3).u8(1).u8(2).u8(255);
  b.array("i8s", ValueType::i8, 1).put(int8_t{-1});
  b.array("u16s", ValueType::u16, 2).put(uint16_t{1}).put(uint16_t{65535});
  b.array("i16s", ValueType::i16, 1).put(int16_t{-1});
  b.array("u32s", ValueType::u32, 2).u32(7).u32(8);
  b.array("i32s", ValueType::i32, 1).put(int32_t{-1});
  b.array("f32s", ValueType::f32, 2).put(1.5f).put(-0.0f);
  b.array("bools", ValueType::boolean, 3).u8(0).u8(1).u8(1);
  b.array("words", ValueType::string, 3).text("spring").text("").text("wind");
  b.array("u64s", ValueType::u64, 1).u64(~uint64_t{0});
  b.array("i64s", ValueType::i64, 1).put(int64_t{-1});
  b.array("f64s", ValueType::f64, 1).put(1e300);
  b.info("t", {2, 3}, kF32, 0).pad(32).fill(24);
  return done("all_values", std::move(b));
}

Specimen version_2() {
  Bytes b;
  b.header(2, 2, 2).pair("general.architecture", "qwen2").pair("n", ValueType::u32, 7u);
  b.info("a", {3}, kF32, 0).info("b", {32, 2}, kQ8_0, 32).pad(32).fill(12).pad(32).fill(68);
  return done("version_2", std::move(b));
}

Specimen alignment_1() {
  Bytes b;
  b.header(3, 1).pair("general.alignment", ValueType::u32, 1u);
  b.info("a", {3}, kI8, 0).info("b", {2}, kF32, 3).info("c", {1}, kF16, 11).fill(13);
  return done("alignment_1", std::move(b), 1);
}

Specimen alignment_64() {
  Bytes b;
  b.header(2, 1).pair("general.alignment", ValueType::u32, 64u);
  b.info("a", {5, 1, 1, 1}, kF64, 0).info("b", {32}, kQ4_0, 64).pad(64).fill(40).pad(64).fill(18);
  return done("alignment_64", std::move(b), 64);
}

Specimen no_tensors() {
  Bytes b;
  b.header(0, 2).pair("tokenizer.ggml.model", "gpt2");
  b.array("tokenizer.ggml.tokens", ValueType::string, 4).text("a").text("b").text("ab").text("\xC4\xA0");
  return done("no_tensors", std::move(b));
}

/// `last_is_empty`: the file ends where an empty tensor stands, behind padding.
Specimen zero_dimensions(bool last_is_empty) {
  Bytes b;
  b.header(last_is_empty ? 4 : 5, 0)
      .info("a", {0}, kF32, 0)
      .info("b", {8, 0}, kF32, 0)
      .info("scalar", {}, kF32, 0);
  b.info("c", {32, 0, 2}, kQ4_0, 32);
  if (!last_is_empty) b.info("d", {1}, kF32, 32);
  b.pad(32).fill(4).pad(32);
  if (!last_is_empty) b.fill(4);
  return done(last_is_empty ? "zero_dimensions_last" : "zero_dimensions", std::move(b));
}

Specimen all_types() {
  Bytes b;
  b.header(quant::tensor_types().size(), 0);
  uint64_t offset = 0;
  for (const quant::TensorType& type : quant::tensor_types()) {
    b.info(type.name, {type.block_values}, type.id, offset);
    offset += (type.block_bytes + 31) / 32 * 32;
  }
  b.pad(32);
  size_t end = 0;
  for (const quant::TensorType& type : quant::tensor_types()) {
    b.pad(32).fill(type.block_bytes, static_cast<int>(type.id));
    end = b.size();
  }
  Specimen specimen = done("all_types", std::move(b));
  specimen.needed = end;
  return specimen;
}

/// Whole according to its split keys; keys and names one bit apart; counts with one bit set.
Specimen one_bit_apart() {
  Bytes b;
  b.header(2, 6)
      .pair("split.no", ValueType::u16, uint16_t{0})
      .pair("split.count", ValueType::u16, uint16_t{1});
  b.pair("split.tensors.count", ValueType::i32, 2).pair("a", ValueType::boolean, uint8_t{0});
  b.pair("c", ValueType::i8, int8_t{1}).pair("general.alignment", ValueType::u32, 32u);
  b.info("p", {4}, kF64, 0).info("q", {1}, kI32, 32).pad(32).fill(36);
  return done("one_bit_apart", std::move(b));
}

Specimen trailing() {
  Bytes b;
  b.header(1, 0).info("t", {1}, kF32, 0).pad(32).fill(4);
  Specimen specimen = done("trailing", std::move(b));
  specimen.bytes.resize(specimen.bytes.size() + 10, std::byte{7});
  return specimen;
}

}  // namespace

std::vector<Specimen> specimens() {
  return {all_values(),
          version_2(),
          alignment_1(),
          alignment_64(),
          no_tensors(),
          done("empty", Bytes().header(0, 0), 1),
          zero_dimensions(false),
          zero_dimensions(true),
          all_types(),
          one_bit_apart(),
          trailing()};
}

}  // namespace kigo::gguf::test
