"""A vision-language model, tiny and random, with its processor."""

from __future__ import annotations

from typing import Any

import transformers

SIDE, PATCH = 16, 8  # pixels: four patches an image
TEMPLATE = (
    "{% for m in messages %}{% for c in m['content'] %}{% if c['type'] == 'image' %}<image>{% else %} {{ c['text'] }}{% endif %}"
    "{% endfor %}{% endfor %}"
)


def tiny_processor(tokenizer: Any) -> Any:
    """A processor of the tokenizer, which gets a token for images."""
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    tokenizer.padding_side = "left"
    pixels = transformers.CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    return transformers.LlavaProcessor(
        pixels, tokenizer, patch_size=PATCH, vision_feature_select_strategy="default", image_token="<image>",
        num_additional_image_tokens=1, chat_template=TEMPLATE,
    )  # fmt: skip


def tiny_vision_model(tokenizer: Any, context: int = 64) -> Any:
    """A random model for the tokenizer of `tiny_processor`, always the same."""
    transformers.set_seed(5)
    small = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = transformers.Qwen2Config(
        vocab_size=len(tokenizer), num_key_value_heads=1, max_position_embeddings=context, bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, **small,
    )  # fmt: skip
    vision = transformers.CLIPVisionConfig(image_size=SIDE, patch_size=PATCH, projection_dim=32, **small)
    config = transformers.LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
    )
    made = transformers.LlavaForConditionalGeneration(config)
    made.generation_config.eos_token_id = tokenizer.eos_token_id
    made.generation_config.pad_token_id = tokenizer.pad_token_id
    return made
