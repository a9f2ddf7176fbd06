#!/usr/bin/env python3
"""Writes chat.json: conversations as Jinja2 renders them from chat templates of the published kinds.

Each case has the template's text, the messages, and the text with add_generation_prompt, or null where the template
raises an exception; `format` is the name of the row that must be found for the template, or null when no row writes
what it writes. Templates of other models than ours are quoted as they are published, for they are what has to be
recognised; each has its source beside it.
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

# The same for templates that name their BOS and EOS. (format, template, bos, eos)
ALTERNATE = ("{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
             "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}")
# meta-llama/Llama-2-7b-chat-hf, tokenizer_config.json
LLAMA2 = ("{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}"
          "{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}"
          "{% set system_message = false %}{% endif %}{% for message in loop_messages %}" + ALTERNATE +
          "{% if loop.index0 == 0 and system_message != false %}"
          "{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}"
          "{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}"
          "{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}"
          "{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}")
# meta-llama/Meta-Llama-3-8B-Instruct, tokenizer_config.json
LLAMA3 = ("{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>'"
          " + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}"
          "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}"
          "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}")
# mistralai/Mistral-7B-Instruct-v0.2, tokenizer_config.json, first published
MISTRAL = ("{{ bos_token }}{% for message in messages %}" + ALTERNATE + "{% if message['role'] == 'user' %}"
           "{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}"
           "{{ message['content'] + eos_token}}{% else %}"
           "{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}")
# mistralai/Mixtral-8x7B-Instruct-v0.1, tokenizer_config.json, as corrected
MISTRAL_V1 = """{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content'] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}

{{- bos_token }}
{%- for message in loop_messages %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('After the optional system message, conversation roles must alternate user/assistant/user/assistant/...') }}
    {%- endif %}
    {%- if message['role'] == 'user' %}
        {%- if loop.first and system_message is defined %}
            {{- ' [INST] ' + system_message + '\\n\\n' + message['content'] + ' [/INST]' }}
        {%- else %}
            {{- ' [INST] ' + message['content'] + ' [/INST]' }}
        {%- endif %}
    {%- elif message['role'] == 'assistant' %}
        {{- ' ' + message['content'] + eos_token}}
    {%- else %}
        {{- raise_exception('Only user and assistant roles are supported, with the exception of an initial optional system message!') }}
    {%- endif %}
{%- endfor %}
"""
# HuggingFaceH4/zephyr-7b-beta, tokenizer_config.json
ZEPHYR = ("{% for message in messages %}\n{% if message['role'] == 'user' %}\n"
          "{{ '<|user|>\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'system' %}\n"
          "{{ '<|system|>\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'assistant' %}\n"
          "{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif %}\n"
          "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}")
ANSWER3 = LLAMA3[LLAMA3.index("{% if add_generation_prompt"):]
SENTENCES = ("<s>", "</s>")
LLAMA3_TOKENS = ("<|begin_of_text|>", "<|eot_id|>")
NAMED = [
    ("llama2", LLAMA2, *SENTENCES),
    ("llama3", LLAMA3, *LLAMA3_TOKENS),
    # As first published: it ends in the assistant's header, asked or not.
    ("llama3", LLAMA3.replace(ANSWER3, "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}"), *LLAMA3_TOKENS),
    ("mistral", MISTRAL, *SENTENCES),
    ("mistral-v1", MISTRAL_V1, *SENTENCES),
    ("zephyr", ZEPHYR, *SENTENCES),
    # None of ours: a default system message, BOS at the start only, messages as they are, a date in the system
    # message, a space behind EOS, no line ends.
    (None, LLAMA2.replace("{% else %}{% set loop_messages = messages %}{% set system_message = false %}",
                          "{% elif true == true and not '<<SYS>>' in messages[0]['content'] %}"
                          "{% set loop_messages = messages %}{% set system_message = 'Be brief.' %}{% else %}"
                          "{% set loop_messages = messages %}{% set system_message = false %}"), *SENTENCES),
    (None, "{{ bos_token }}" + LLAMA2.replace("bos_token + '[INST]", "'[INST]"), *SENTENCES),
    (None, LLAMA3.replace(" | trim", ""), *LLAMA3_TOKENS),
    (None, "{%- set date_string = '26 Jul 2024' %}" + LLAMA3, *LLAMA3_TOKENS),
    (None, MISTRAL.replace("eos_token}}", "eos_token + ' '}}"), *SENTENCES),
    (None, ZEPHYR.replace("}\n", "}"), *SENTENCES),
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

# What the named ones treat in their own ways: a system message with turns behind it, white space of Unicode around a
# message and alone, roles out of turn.
TURNS = CONVERSATIONS + [
    [{"role": "system", "content": " Answer in verse.\n"}, USER, {"role": "assistant", "content": " Cold fans\n"},
     {"role": "user", "content": "\u3000\u00a0 again \x1c\u2029"}],
    [{"role": "system", "content": "Answer in verse."}, {"role": "user", "content": " \n\t "}],
    [{"role": "user", "content": "\u200b\ufeff not white space \u180e"}],
    [USER, {"role": "assistant", "content": "Cold fans start to hum"}],
    [USER, USER],
    [{"role": "assistant", "content": "Hello"}, USER],
    [USER, {"role": "system", "content": "Answer in verse."}],
    [{"role": "system", "content": "Answer in verse."}, {"role": "system", "content": "Be brief."}, USER],
]


def raise_exception(message):
    raise jinja2.TemplateError(message)


environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)  # as Transformers sets it
environment.globals["raise_exception"] = raise_exception
cases = []
for name, template in TEMPLATES:
    for messages in CONVERSATIONS:
        text = environment.from_string(template).render(
            messages=messages, add_generation_prompt=True, bos_token="<|endoftext|>")
        cases.append({"format": name, "template": template, "messages": messages, "text": text})
for name, template, bos, eos in NAMED:
    for messages in TURNS if name else CONVERSATIONS[:3]:
        if name == "llama2" and messages[-1]["role"] == "system":
            continue  # its template leaves such a message out without a word; kigo refuses it
        try:
            text = environment.from_string(template).render(
                messages=messages, add_generation_prompt=True, bos_token=bos, eos_token=eos)
        except jinja2.TemplateError:
            text = None
        cases.append({"format": name, "template": template, "messages": messages, "text": text})
print(json.dumps(cases, indent=1))
