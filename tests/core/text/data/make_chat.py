#!/usr/bin/env python3
"""Writes chat.json: conversations as Jinja2 renders them from chat templates of the published kinds.

Each case has the template's text, the messages, and the text with add_generation_prompt; `format` is the name of
the row that must be found for the template, or null when no row writes what it writes.
    python3 make_chat.py > chat.json        (needs Jinja2; made with 3.1.6)
"""
import json

import jinja2

LOOP = "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
ANSWER = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
QWEN25 = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."

TEMPLATES = [
    # Plain ChatML, as the embedded model has it.
    ("chatml", "{% for message in messages %}" + LOOP + "{% endfor %}" + ANSWER),
    # The same, wrapped as many trainers write it.
    ("chatml", "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}"
               "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + "
               "'<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"),
    # Qwen2: a system message is put first where there is none.
    ("qwen2", "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
              "{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{% endif %}" + LOOP
              + "{% endfor %}" + ANSWER),
    # Qwen2 as the vocabulary file has it: the answer's begin belongs to the user's message.
    ("qwen2", "{% set system_message = 'You are a helpful assistant.' %}{% if messages[0]['role'] == 'system' %}"
              "{% set system_message = messages[0]['content'] %}{% endif %}{% if system_message is defined %}"
              "{{ '<|im_start|>system\n' + system_message + '<|im_end|>\n' }}{% endif %}{% for message in messages %}"
              "{% set content = message['content'] %}{% if message['role'] == 'user' %}{{ '<|im_start|>user\n' + content"
              " + '<|im_end|>\n<|im_start|>assistant\n' }}{% elif message['role'] == 'assistant' %}"
              "{{ content + '<|im_end|>' + '\n' }}{% endif %}{% endfor %}"),
    # Qwen2.5 without its branch for tools.
    ("qwen2.5", "{%- if messages[0]['role'] == 'system' %}"
                "{{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}{%- else %}"
                "{{- '<|im_start|>system\\n" + QWEN25 + "<|im_end|>\\n' }}{%- endif %}"
                "{%- for message in messages %}{%- if message.role == 'user' or message.role == 'assistant' or "
                "(message.role == 'system' and not loop.first) %}{{- '<|im_start|>' + message.role + '\\n' + "
                "message.content + '<|im_end|>' + '\\n' }}{%- endif %}{%- endfor %}"
                "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"),
    # None of ours: another default system message, a BOS, trimmed messages, other markers.
    (None, "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
           "{{ '<|im_start|>system\\nYou are a poet.<|im_end|>\\n' }}{% endif %}" + LOOP + "{% endfor %}" + ANSWER),
    (None, "{{ bos_token }}{% for message in messages %}" + LOOP + "{% endfor %}" + ANSWER),
    (None, ("{% for message in messages %}" + LOOP + "{% endfor %}" + ANSWER)
     .replace("message['content']", "message['content'] | trim")),
    (None, "{% for message in messages %}{{ '<|' + message['role'] + '|>\\n' + message['content'] + '<|end|>\\n' }}"
           "{% endfor %}<|assistant|>\\n"),
]

USER = {"role": "user", "content": "Write a haiku about GPU computing"}
CONVERSATIONS = [
    [USER],
    [{"role": "system", "content": "Answer in verse."}, USER],
    [USER, {"role": "assistant", "content": "Cold fans start to hum"}, {"role": "user", "content": "again\n"}],
    [{"role": "system", "content": ""}, {"role": "user", "content": "  spaces \n\n and <|im_end|> stay  "}],
    [{"role": "user", "content": ""}],
    [{"role": "user", "content": "caf\u00e9 \u65e5\u672c\u8a9e \U0001f343"}],
]

environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)  # as Transformers sets it
cases = []
for name, template in TEMPLATES:
    for messages in CONVERSATIONS:
        text = environment.from_string(template).render(
            messages=messages, add_generation_prompt=True, bos_token="<|endoftext|>")
        cases.append({"format": name, "template": template, "messages": messages, "text": text})
print(json.dumps(cases, indent=1))
