#include "tools/lib/serve/page.h"

namespace kigo::tools {

std::string_view page() {
  return R"html(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>kigo</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
textarea, input { font: inherit; width: 100%; box-sizing: border-box; }
label { display: block; margin-top: .5rem; }
pre { white-space: pre-wrap; border-left: 3px solid #888; padding-left: 1rem; min-height: 3rem; }
.row { display: flex; gap: 1rem; } .state { color: #666; }
</style></head><body>
<h1>kigo</h1>
<p class="state" id="state">asking the worker ...</p>
<label>Prompt <textarea id="prompt" rows="4">Write a haiku about rain</textarea></label>
<div class="row">
<label>Temperature <input id="temperature" type="number" value="0" min="0" max="2" step="0.1"></label>
<label>Tokens <input id="tokens" type="number" value="100" min="1"></label>
<label>API key <input id="key" type="password" placeholder="none"></label>
</div>
<p><button id="run">Generate</button> <button id="cancel" disabled>Cancel</button></p>
<pre id="out"></pre><p class="state" id="end"></p>
<script>
const $ = id => document.getElementById(id);
const headers = () => Object.assign({"Content-Type": "application/json"},
  $("key").value ? {Authorization: "Bearer " + $("key").value} : {});
let job = null;
async function state() {
  try {
    const h = await (await fetch("/health")).json();
    $("state").textContent = h.status + (h.model ? ": " + h.model + " on " + h.backend + ", context " +
      h.context_length + ", " + h.running + " running, " + h.waiting + " waiting" : ", " + h.load_percent + " %");
  } catch (e) { $("state").textContent = "no answer"; }
}
function show(name, data) {
  if (name === "token") $("out").textContent += data.t;
  if (name === "end") $("end").textContent = data.tokens_out + " tokens, " + data.stop_reason + ", seed " + data.seed;
  if (name === "error") $("end").textContent = data.code + ": " + data.message;
}
async function run() {
  job = "page-" + Math.random().toString(36).slice(2);
  $("out").textContent = $("end").textContent = ""; $("run").disabled = true; $("cancel").disabled = false;
  try {
    const reply = await fetch("/execute", {method: "POST", headers: headers(), body: JSON.stringify({job_id: job,
      prompt: $("prompt").value, template: "chat", temperature: Number($("temperature").value),
      max_tokens: Number($("tokens").value)})});
    if (!reply.ok) { const e = await reply.json(); show("error", e.error); return; }
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = "";;) {
      const {value, done} = await reader.read();
      if (done) break;
      const events = (rest + value).split("\n\n"); rest = events.pop();
      for (const event of events) {
        const match = event.match(/^event: (\w+)\ndata: (.*)$/);
        if (match) show(match[1], JSON.parse(match[2]));
      }
    }
  } catch (e) { $("end").textContent = String(e); }
  finally { $("run").disabled = false; $("cancel").disabled = true; state(); }
}
$("run").onclick = run;
$("cancel").onclick = () => fetch("/cancel", {method: "POST", headers: headers(), body: JSON.stringify({job_id: job})});
state(); setInterval(state, 2000);
</script></body></html>
)html";
}

}  // namespace kigo::tools
