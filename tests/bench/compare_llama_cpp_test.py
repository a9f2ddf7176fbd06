#!/usr/bin/env python3
"""bench/compare_llama_cpp with programs that answer as llama-bench, kigo_model_bench and kigo do: no GPU is needed.

The fields of llama-bench are those of its README (tools/llama-bench/README.md, "JSON").
"""
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import stat
import struct
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "bench/compare_llama_cpp"

LLAMA_BENCH = """
import json, sys
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
with open(LOG, "a") as log:
    log.write("llama " + options["-fa"] + " " + options["-n"] + "\\n")
if options["-fa"] == "9":
    sys.exit("error: invalid parameter for argument: -fa")
speed = 100.0 + 50 * int(options["-fa"])
for depth in map(int, options["-d"].split(",")):
    for prompt in map(int, options["-p"].split(",")):
        row = {"build_commit": "8cf427ff", "build_number": 5163, "gpu_info": "Fake GPU", "backends": "CUDA",
               "n_prompt": prompt, "n_gen": int(options["-n"]), "n_depth": depth, "flash_attn": int(options["-fa"]),
               "avg_ts": speed, "stddev_ts": 1.0, "samples_ts": [speed + prompt, speed + prompt + 2, speed + prompt - 2]}
        print(json.dumps(row))
"""

KIGO_BENCH = """
import json, sys
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
with open(LOG, "a") as log:
    log.write("kigo\\n")
common = {"kind": "model", "name": "m", "commit": "c0ffee", "device": "Fake GPU", "driver": "1", "state": STATE}
with open(options["--history"], "a") as out:
    for case, tokens, us in (("mode=half what=prefill tokens=512 chunk=512", 512, 512e6 / 1224), ("mode=half what=decode tokens=128 depth=0", 128, 1.0),
                             ("mode=half what=decode_logits tokens=128 depth=0", 128, 128e6 / 300), ("mode=half what=step_alone depth=0", 1, 9.0)):
        out.write(json.dumps({**common, "case": case, "tokens": tokens, "us": [us, us, us]}) + "\\n")
    out.write(json.dumps({**common, "kind": "ceiling", "name": "copy", "us": [1]}) + "\\n")
"""

KIGO = """
import struct, sys
options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
positions = len(options["--tokens"].split(","))
off = 0.5 if options.get("--backend") == "cuda" and "--prefill" not in options else 0.0
values = [1.0 + off, 2.0, 3.0, 4.0] * positions
head = ("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, 4), }" % positions).encode()
head += b" " * (117 - len(head)) + b"\\n"
with open(options["--out"], "wb") as out:
    out.write(b"\\x93NUMPY\\x01\\x00" + struct.pack("<H", len(head)) + head + struct.pack("<%df" % len(values), *values))
"""


def load():
    loader = importlib.machinery.SourceFileLoader("compare_llama_cpp", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


class CompareLlamaCpp(unittest.TestCase):
    def setUp(self):
        self.holder = tempfile.TemporaryDirectory()
        self.addCleanup(self.holder.cleanup)
        self.folder = pathlib.Path(self.holder.name)
        self.log = self.folder / "log"
        self.programs = {"llama-bench": self.program("llama-bench", LLAMA_BENCH), "kigo-bench": self.program("bench", KIGO_BENCH),
                         "kigo": self.program("kigo", KIGO)}

    def program(self, name, text, state="ok"):
        path = self.folder / name
        path.write_text(f"#!{sys.executable}\nLOG = {str(self.log)!r}\nSTATE = {state!r}\n{text}", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def run_script(self, *options):
        programs = [part for name, path in self.programs.items() for part in (f"--{name}", path)]
        command = [sys.executable, SCRIPT, "--model", self.folder / "m.gguf", *programs, *options]
        return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})

    def test_takes_the_best_setting_of_each_row(self):
        done = self.run_script("--llama-options=-fa 0", "--llama-options=-fa 1", "--rounds", "2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("| prompt of 512 | 1,224.0 (1,224.0 to 1,224.0) | 662.0 (660.0 to 664.0) | `-fa 1` | 1.85 |", done.stdout)
        self.assertIn("| 128 steps behind 0 positions | 300.0 (300.0 to 300.0) | 150.0 (148.0 to 152.0) | `-fa 1` | 2.00 |", done.stdout)

    def test_says_what_one_side_did_not_measure(self):
        done = self.run_script("--rounds", "1", "--llama-options=-fa 0")
        self.assertIn("| 128 steps behind 4096 positions | not measured | 100.0", done.stdout)

    def test_measures_in_turns(self):
        self.run_script("--llama-options=-fa 0", "--rounds", "2")
        self.assertEqual(self.log.read_text().split("\n")[:-1], ["llama 0 0", "llama 0 128", "kigo"] * 2)

    def test_a_setting_that_fails_is_named(self):
        done = self.run_script("--llama-options=-fa 0", "--llama-options=-fa 9", "--rounds", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, "- llama.cpp with `-fa 9` is left out: .*invalid parameter for argument")

    def test_fails_when_every_setting_does(self):
        done = self.run_script("--llama-options=-fa 9")
        self.assertEqual(done.returncode, 1)
        self.assertIn("invalid parameter", done.stderr)

    def test_fails_on_what_is_not_ok(self):
        self.programs["kigo-bench"] = self.program("bench", KIGO_BENCH, "invalid")
        done = self.run_script("--rounds", "1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("invalid", done.stderr)

    def test_fails_on_a_program_that_says_nothing(self):
        for name in self.programs:
            with self.subTest(name):
                kept = dict(self.programs)
                for silent in ("pass", "print('{}')"):
                    self.programs[name] = self.program("silent", silent)
                    done = self.run_script("--rounds", "1")
                    self.assertEqual(done.returncode, 1, done.stdout)
                    self.assertEqual(done.stderr.count("Traceback"), 0, done.stderr)
                self.programs = kept

    def test_measures_the_distance_to_the_reference(self):
        done = self.run_script("--rounds", "1", "--tokens", "3")
        # 0.25 of 1 + 4 + 9 + 16
        self.assertIn("| kigo, as measured | 8.33e-03 | 8.33e-03 | 3 of 3 |", done.stdout)
        self.assertIn("| kigo, `--prefill precise` | 0.00e+00 | 0.00e+00 | 3 of 3 |", done.stdout)

    def test_needs_llama_bench(self):
        del self.programs["llama-bench"]
        self.assertEqual(self.run_script().returncode, 2)

    def test_refuses_logits_that_are_no_numbers(self):
        module = load()
        paths = []
        for name, value in (("good", 1.0), ("bad", float("nan"))):
            path = self.folder / name
            head = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n"
            path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + struct.pack("<2f", 1.0, value))
            paths.append(path)
        self.assertEqual(module.distance(paths[0], paths[0]), (0.0, 0.0, 1, 1))
        with self.assertRaises(module.Failed):
            module.distance(paths[1], paths[0])


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
