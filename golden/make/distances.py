"""Puts the measured distances of golden/logits/*.json as a table into golden/README.md, between its two markers."""

import json
from pathlib import Path

GOLDEN = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- distances -->", "<!-- /distances -->"
COLUMNS = {
    "largest logit": "largest_logit",
    "Transformers float32": "transformers",
    "llama.cpp F32": "llama_cpp_f32",
    "llama.cpp F32 from Transformers float32": "llama_cpp_f32_from_transformers",
    "llama.cpp, file as it is": "llama_cpp_file",
    "smallest greedy margin": "smallest_greedy_margin",
}


def table() -> str:
    lines = ["| model | positions | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 2) + "|"]
    for path in sorted((GOLDEN / "logits").glob("*.json")):
        golden = json.loads(path.read_text(encoding="utf-8"))
        cells = [f"{golden['distances'][key]:.3g}" for key in COLUMNS.values()]
        positions = sum(p["rows"][1] for p in golden["prompts"])
        lines.append(f"| {path.stem} | {positions} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    readme = GOLDEN / "README.md"
    before, rest = readme.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    readme.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
