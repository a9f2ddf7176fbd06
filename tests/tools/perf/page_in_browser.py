#!/usr/bin/env python3
"""Checks the page of `kigo perf report` from outside: by Python's HTML and XML parsers, and in headless Chromium.

    page_in_browser.py KIGO [--screenshot FILE]

The page is read without JavaScript, by a profile that turns it off. Exit status 77: there is no Chromium, and what could
be checked without it was right.
"""
import argparse
import html.parser
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
EVIL = "</svg></title></table><img src=http://127.0.0.1:9/x.png><script>document.body.textContent='SCRIPT'</script>&\"'"


def write_history(path):
    """Records of two devices: kernels, a model, ceilings, bad measurements. Returns how many curves they are."""
    draw = random.Random(7)
    curves = set()
    with open(path, "w", encoding="utf-8") as out:

        def write(run, device, kind, name, case, cache, us, **rest):
            bad = rest.get("state")
            samples = [] if bad == "invalid" else [round(us * draw.gauss(1, 0.004), 4) for _ in range(4 if bad else 12)]
            record = {"time": f"2026-11-{run + 1:02d}T06:00:00.000Z", "run": f"run-{run}", "machine": "test",
                      "commit": f"{run:012x}", "device": device, "flags": "release", "method": 2, "kind": kind,
                      "name": name, "case": case, "us": samples, **rest}
            if cache != "none":
                record["cache"] = cache
            out.write(json.dumps(record) + "\n")
            if kind != "ceiling":
                curves.add((device, kind, name, case, cache))

        for run in range(12):
            for device in ("Fast GPU", "Slow <GPU>"):
                write(run, device, "ceiling", "copy", "", "none", 500, bytes=2e9)
                write(run, device, "ceiling", "half", "", "none", 1500, flops=1.1e12)
                for name in ("linear_q4_k", "linear_f16", "attention", "rmsnorm", "rope", "swiglu", EVIL):
                    for rows in (64, 4096):
                        for cache in ("cold", "row", "hot"):
                            state = {5: {"state": "invalid", "why": EVIL}, 7: {"state": "timed_out", "why": "60 s are over"}}
                            write(run, device, "op", name, f"tokens=1 rows={rows}", cache, 3 + rows / 200, bytes=2.0 * rows * 896,
                                  flops=2.0 * rows * 896 * (1 + len(name)), verified=True,
                                  kernels=[{"name": "_Z" + name, "registers": 64, "occupancy": 0.5, "launches": 1}],
                                  **(state.get(run, {}) if name == "rope" else {}))
                write(run, device, "model", "qwen2.5-0.5b", "decode 128 at 0", "none", 120000 - 900 * run, tokens=128)
        out.write("{ this line was cut\n")
    return len(curves)


class Page(html.parser.HTMLParser):
    """Counts elements, and notes what is wrong with them."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.problems, self.counts, self.text, self.links, self.ids = [], [], {}, [], [], []
        self.svg_without_title = 0
        self.feed(text)
        self.close()
        if self.open:
            self.problems.append(f"not closed: {self.open}")

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.counts[tag] = self.counts.get(tag, 0) + 1
        kind = f"{tag}.{attributes.get('class')}"
        self.counts[kind] = self.counts.get(kind, 0) + 1
        for name, value in attributes.items():
            if name.startswith("on"):
                self.problems.append(f"{tag} has {name}")
            if name in ("src", "href", "action", "data", "srcset", "xlink:href") and not (value or "").startswith("#"):
                self.problems.append(f"{tag} {name}={value}")
            if name == "href":
                self.links.append(value)
            if name == "id":
                self.ids.append(value)
            if re.search(r"(?<![a-z])(nan|inf)(?![a-z])|url\(", value or "", re.IGNORECASE):
                self.problems.append(f"{tag} {name}={value[:80]}")
        if tag == "th" and attributes.get("scope") not in ("row", "col"):
            self.problems.append("a table's head without a scope")
        if tag == "svg" and attributes.get("aria-hidden") != "true" and attributes.get("role") != "img":
            self.problems.append("a drawing without a role")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.problems.append(f"</{tag}> inside {self.open[-3:]}")
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text.append(data)


def check(condition, what):
    if not condition:
        sys.exit(f"page_in_browser: {what}")


def check_text(text, curves):
    page = Page(text)
    check(not page.problems, f"{len(page.problems)} problems, the first: {page.problems[:1]}")
    check(page.counts.get("svg.curve") == curves, f"{page.counts.get('svg.curve')} curves, expected {curves}")
    check(page.counts.get("svg.roofline") == 2, f"{page.counts.get('svg.roofline')} rooflines, expected 2: one a device")
    check("script" not in page.counts and "img" not in page.counts, "an element out of a file's text")
    words = " ".join(page.text)
    check(not re.search(r"(?<![a-z])(nan|inf)(?![a-z])", words, re.IGNORECASE), "a number that is none")
    for expected in ("60 s are over", "document.body", "could not be read", "of memory", "tokens/s"):
        check(expected in words, f"'{expected}' is not on the page")
    check(len(page.ids) == len(set(page.ids)), "an id twice")
    check(all(link[1:] in page.ids for link in page.links), "a link to nowhere")
    drawings = re.findall(r"<svg .*?</svg>", text, re.DOTALL)
    check(len(drawings) == page.counts["svg"], "a drawing inside a drawing")
    for drawing in drawings:
        root = xml.etree.ElementTree.fromstring(drawing)
        check(root.get("aria-hidden") == "true" or root[0].tag == "title" and root[0].text, "a drawing without a title")
    return page


class Browser:
    """Chromium with JavaScript off and a profile of its own."""

    def __init__(self, program, folder):
        self.folder = folder
        self.log = folder / "net.json"
        profile = folder / "profile" / "Default"
        profile.mkdir(parents=True)
        settings = {"profile": {"default_content_setting_values": {"javascript": 2}}}
        (profile / "Preferences").write_text(json.dumps(settings), encoding="utf-8")
        self.command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
                        "--disable-background-networking", "--disable-component-update", "--disable-sync",
                        f"--user-data-dir={folder / 'profile'}", f"--log-net-log={self.log}"]

    def run(self, page, *options):
        done = subprocess.run([*self.command, *options, page.as_uri()], capture_output=True, timeout=120, check=False)
        check(done.returncode == 0, f"Chromium: exit {done.returncode}: {done.stderr[-400:].decode(errors='replace')}")
        return done.stdout.decode("utf-8")

    def dom(self, page, *options):
        return self.run(page, "--dump-dom", *options)

    def picture(self, page, file, *options):
        self.run(page, f"--screenshot={file}", *options)
        picture = file.read_bytes()
        check(picture.startswith(b"\x89PNG"), "no picture")
        return picture

    def requests(self):
        """Addresses that the last run asked for, but those of files and of the browser's own pages."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        found = set(re.findall(r'"url":"((?:https?|wss?|ftp)://[^"]*)"', text))
        own = re.compile(r"https?://[^/]*\.(google|googleapis|gvt1|gstatic)\.com[/:]")  # updates and the like
        return sorted(url for url in found if not own.match(url))


def check_in_browser(browser, folder, page, counts):
    # What is to be shown to be off or absent is seen when it is there.
    trap = folder / "trap.html"
    trap.write_text("<!DOCTYPE html><p id=a>x</p><img src='http://127.0.0.1:9/x.png'>"
                    "<script>document.getElementById('a').textContent = 'SCRIPT RAN'</script>", encoding="utf-8")
    check(">x</p>" in browser.dom(trap), "JavaScript is not off")
    check(browser.requests() == ["http://127.0.0.1:9/x.png"], f"requests of the trap: {browser.requests()}")

    seen = Page(browser.dom(page))
    check(not browser.requests(), f"the page asks for {browser.requests()}")
    for name in ("svg", "svg.curve", "table", "tr", "details", "polygon", "circle", "title"):
        check(seen.counts.get(name) == counts.get(name), f"{name}: {seen.counts.get(name)} in Chromium, {counts.get(name)} written")
    light = browser.picture(page, folder / "light.png", "--window-size=1280,2000", "--blink-settings=preferredColorScheme=1")
    dark = browser.picture(page, folder / "dark.png", "--window-size=1280,2000", "--blink-settings=preferredColorScheme=0")
    check(light != dark, "light and dark look the same")
    empty = folder / "empty.html"
    empty.write_text("<!DOCTYPE html><title>x</title>", encoding="utf-8")
    nothing = browser.picture(empty, folder / "empty.png", "--window-size=1280,2000")
    check(len(light) > 4 * len(nothing), f"{len(light)} bytes of picture, an empty page has {len(nothing)}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kigo", type=pathlib.Path)
    parser.add_argument("--screenshot", type=pathlib.Path, help="keep a picture of the page")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        curves = write_history(folder / "history.jsonl")
        page = folder / "perf.html"
        command = [arguments.kigo, "perf", "report", "--history", folder / "history.jsonl", "--out", page]
        done = subprocess.run(command, capture_output=True, check=False)
        check(done.returncode == 1, f"exit {done.returncode}, expected 1: a line of the history was cut")
        text = page.read_text(encoding="utf-8")
        counts = check_text(text, curves).counts
        program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        if program is None:
            print("SKIPPED: no Chromium on this machine; checked by parsers alone")
            return 77
        browser = Browser(program, folder)
        check_in_browser(browser, folder, page, counts)
        if arguments.screenshot:
            shutil.copy(folder / "light.png", arguments.screenshot)
    print(f"page_in_browser: {curves} curves, {len(text)} bytes, read by two parsers and Chromium")
    return 0


if __name__ == "__main__":
    sys.exit(main())
