"""Makes a tiny LLaMA with a tokenizer of bytes and a chat template: `tiny.py CORPUS.jsonl FOLDER`.

Prints the limit, in tokens, that a tenth of the rows of the corpus exceed.
"""

import json
import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

TEMPLATE = """\
{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""

corpus, folder = sys.argv[1:]
with open(corpus, encoding="utf-8") as lines:
    chats = [json.loads(line)["messages"] for line in lines]
texts = [message["content"] for chat in chats for message in chat]
marks = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
alphabet = pre_tokenizers.ByteLevel.alphabet()
tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=2000, special_tokens=marks, show_progress=False, initial_alphabet=alphabet))
fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>")
fast.chat_template = TEMPLATE
fast.save_pretrained(folder)
sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
ends = {"eos_token_id": fast.eos_token_id, "pad_token_id": fast.pad_token_id, "bos_token_id": None}
LlamaForCausalLM(LlamaConfig(vocab_size=len(fast), max_position_embeddings=4096, **sizes, **ends)).save_pretrained(folder)
lengths = sorted(len(fast(fast.apply_chat_template(chat, tokenize=False))["input_ids"]) for chat in chats)
print(lengths[len(lengths) * 9 // 10])
