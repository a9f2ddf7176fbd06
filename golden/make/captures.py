"""Makes golden/captures/: checkpoints and logits of tiny models, by the scripts of examples/capture."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
OUT = ROOT / "golden" / "captures"
TOKENS = ["--tokens", "5,17,88", "--steps", "1"]
RUNS = {
    "tiny-f16.transformers": ("transformers_capture.py", "tiny-f16", []),
    "llama-f16.transformers": ("transformers_capture.py", "llama-f16", []),
    "tiny-f16.llama_cpp": ("llama_cpp_capture.py", "tiny-f16", []),
}

OUT.mkdir(exist_ok=True)
for name, (script, model, more) in RUNS.items():
    source = ROOT / "golden" / "tiny" / f"{model}.gguf"
    out = OUT / f"{name}.safetensors"
    subprocess.run([sys.executable, ROOT / "examples" / "capture" / script, source, *TOKENS, *more, "--out", out], check=True)
    out.chmod(0o644)
