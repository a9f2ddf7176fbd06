#!/usr/bin/env python3
"""Writes gguf_py.gguf, the file that tests/core/gguf/outside_files_test.cc expects, with gguf-py (made with 0.19.0)."""
import sys

import gguf
import numpy as np

writer = gguf.GGUFWriter(sys.argv[1], "qwen2")
writer.add_uint8("a.u8", 200)
writer.add_int8("a.i8", -3)
writer.add_uint16("a.u16", 60000)
writer.add_int16("a.i16", -300)
writer.add_uint32("a.u32", 4000000000)
writer.add_int32("a.i32", -70000)
writer.add_float32("a.f32", 0.1)
writer.add_uint64("a.u64", 1 << 60)
writer.add_int64("a.i64", -(1 << 60))
writer.add_float64("a.f64", 0.1)
writer.add_bool("a.bool", True)
writer.add_string("a.string", "古池 old pond")
writer.add_array("a.strings", ["spring", "", "wind"])
writer.add_array("a.ints", [1, -2, 3])
writer.add_custom_alignment(64)
writer.add_tensor("f32", np.arange(6, dtype=np.float32).reshape(2, 3))
q8_0 = gguf.GGMLQuantizationType.Q8_0
writer.add_tensor("q8_0", gguf.quants.quantize(np.linspace(-1, 1, 64, dtype=np.float32).reshape(2, 32), q8_0), raw_dtype=q8_0)
writer.add_tensor("f16", np.arange(5, dtype=np.float16))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
