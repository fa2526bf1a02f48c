# SPDX-License-Identifier: Apache-2.0
"""The models of tests/parity: what each covers, its config.json and its random weights.

Sizes are as small as the point of a case allows, since the weights are committed. Weights are large
enough that every part matters: attention is far from uniform, logits spread by more than 1, and
norms and biases are not what a forward pass that forgot them would assume.
"""

import dataclasses

import numpy as np

QWEN3, QWEN2, LLAMA = "Qwen3ForCausalLM", "Qwen2ForCausalLM", "LlamaForCausalLM"
MODEL_TYPES = {QWEN3: "qwen3", QWEN2: "qwen2", LLAMA: "llama"}
STORED_AS = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    covers: str
    seed: int
    layers: int
    hq: int
    hkv: int
    d: int
    hidden: int
    inter: int
    vocab: int
    tied: bool
    arch: str = QWEN3
    dtype: str = "BF16"
    norm_dtype: str = ""  # as dtype when empty
    shards: int = 1
    prompts: tuple = (117, 70, 1)  # tokens of each
    extra: dict = dataclasses.field(default_factory=dict)  # further fields of config.json


CASES = [
    Case("one_layer", "one layer, one query head per KV head, tied", seed=1, layers=1, hq=2, hkv=2,
         d=64, hidden=64, inter=160, vocab=128, tied=True),
    Case("group2_d128", "head_dim 128, two query heads per KV head, untied, odd vocabulary", seed=2,
         layers=2, hq=2, hkv=1, d=128, hidden=40, inter=64, vocab=257, tied=False),
    Case("group4", "three layers, four query heads per KV head", seed=3, layers=3,
         hq=4, hkv=1, d=64, hidden=48, inter=64, vocab=160, tied=True, prompts=(150, 67, 16)),
    Case("sharded", "four layers in three files with an index, untied", seed=4, layers=4, hq=2,
         hkv=1, d=64, hidden=48, inter=64, vocab=160, tied=False, shards=3),
    Case("group8_d128", "head_dim 128, eight query heads per KV head", seed=5, layers=1, hq=8,
         hkv=1, d=128, hidden=40, inter=56, vocab=144, tied=True, prompts=(129, 65, 17)),
    Case("group8", "eight query heads per KV head, two layers, untied", seed=6, layers=2, hq=8,
         hkv=1, d=64, hidden=40, inter=56, vocab=136, tied=False),
    Case("odd_sizes", "odd hidden, intermediate and vocabulary sizes", seed=7, layers=2, hq=2,
         hkv=2, d=64, hidden=51, inter=77, vocab=131, tied=False),
    Case("f32_weights", "weights stored as F32 with bits that bfloat16 drops", seed=8, layers=2,
         hq=2, hkv=1, d=64, hidden=48, inter=48, vocab=128, tied=True, dtype="F32"),
    Case("f16_weights", "weights stored as F16, norms as F32", seed=9, layers=2, hq=2, hkv=1,
         d=64, hidden=64, inter=96, vocab=128, tied=False, dtype="F16", norm_dtype="F32"),
    Case("qwen3_yarn", "yarn in the old style of rope_scaling", seed=10, layers=2, hq=2, hkv=1,
         d=64, hidden=64, inter=96, vocab=144, tied=True,
         extra={"rope_theta": 100000.0, "max_position_embeddings": 1024,
                "rope_scaling": {"rope_type": "yarn", "factor": 4.0,
                                 "original_max_position_embeddings": 256}}),
    Case("qwen3_yarn_mscale", "yarn with betas and mscale, attention biases", seed=11, layers=2,
         hq=2, hkv=1, d=64, hidden=64, inter=80, vocab=128, tied=False,
         extra={"attention_bias": True, "max_position_embeddings": 512,
                "rope_scaling": {"type": "yarn", "factor": 8.0, "beta_fast": 16.0,
                                 "beta_slow": 2.0, "mscale": 1.5, "mscale_all_dim": 0.5,
                                 "original_max_position_embeddings": 64}}),
    Case("qwen2", "Qwen2: biases of q, k and v, no norm of heads, head_dim not given", seed=12,
         layers=2, hq=2, hkv=1, d=64, hidden=128, inter=48, vocab=128, tied=True, arch=QWEN2,
         extra={"rope_theta": 1000000.0, "use_sliding_window": False, "sliding_window": 64}),
    Case("llama3_rope", "Llama with llama3 scaling, all three bands in use", seed=13, layers=2,
         hq=4, hkv=1, d=64, hidden=64, inter=64, vocab=144, tied=False, arch=LLAMA,
         extra={"rope_theta": 500000.0, "max_position_embeddings": 512,
                "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                                 "high_freq_factor": 4.0,
                                 "original_max_position_embeddings": 64}}),
    Case("llama_linear", "Llama with linear scaling in the new style, biases everywhere", seed=14,
         layers=2, hq=2, hkv=2, d=64, hidden=64, inter=72, vocab=128, tied=True, arch=LLAMA,
         extra={"attention_bias": True, "mlp_bias": True,
                "rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 20000.0}}),
]


def config_json(case):
    config = {
        "architectures": [case.arch],
        "model_type": MODEL_TYPES[case.arch],
        "vocab_size": case.vocab,
        "hidden_size": case.hidden,
        "intermediate_size": case.inter,
        "num_hidden_layers": case.layers,
        "num_attention_heads": case.hq,
        "num_key_value_heads": case.hkv,
        "head_dim": case.d,
        "hidden_act": "silu",
        "max_position_embeddings": 512,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "tie_word_embeddings": case.tied,
        "torch_dtype": STORED_AS[case.dtype],
        "bos_token_id": None,
        "eos_token_id": 0,
    }
    if case.arch == QWEN2:
        del config["head_dim"]
    if "rope_parameters" in case.extra:
        del config["rope_theta"]
    return config | case.extra


def weights(case):
    """{name: (float32 values, dtype)} in the order in which they are stored."""
    random = np.random.RandomState(case.seed)  # its stream is frozen across NumPy releases
    out = {}

    def draw(name, mean, std, *shape, dtype=case.dtype):
        values = mean + std * random.standard_normal(shape)
        out[name] = (values.astype(np.float32), dtype)

    def linear(name, n, k, gain, bias=False):
        draw(f"{name}.weight", 0, gain / k**0.5, n, k)
        if bias:
            draw(f"{name}.bias", 0, 0.5, n)

    def norm(name, dim):
        draw(f"{name}.weight", 1, 0.25, dim, dtype=case.norm_dtype or case.dtype)

    all_bias = case.extra.get("attention_bias", False)
    mlp_bias = case.extra.get("mlp_bias", False)
    qk_norm = case.arch == QWEN3
    draw("model.embed_tokens.weight", 0, 2 / case.hidden**0.5, case.vocab, case.hidden)
    for layer in range(case.layers):
        name = f"model.layers.{layer}"
        norm(f"{name}.input_layernorm", case.hidden)
        for part, heads in (("q", case.hq), ("k", case.hkv), ("v", case.hkv)):
            bias = all_bias or case.arch == QWEN2
            linear(f"{name}.self_attn.{part}_proj", heads * case.d, case.hidden, 1.2, bias)
        linear(f"{name}.self_attn.o_proj", case.hidden, case.hq * case.d, 1.5, all_bias)
        if qk_norm:
            norm(f"{name}.self_attn.q_norm", case.d)
            norm(f"{name}.self_attn.k_norm", case.d)
        norm(f"{name}.post_attention_layernorm", case.hidden)
        linear(f"{name}.mlp.gate_proj", case.inter, case.hidden, 1.4, mlp_bias)
        linear(f"{name}.mlp.up_proj", case.inter, case.hidden, 1.4, mlp_bias)
        linear(f"{name}.mlp.down_proj", case.hidden, case.inter, 1.5, mlp_bias)
    norm("model.norm", case.hidden)
    if not case.tied:
        linear("lm_head", case.vocab, case.hidden, 2.0)
    return out


def prompts(case):
    random = np.random.RandomState(1000 + case.seed)
    return [random.randint(0, case.vocab, size=n).tolist() for n in case.prompts]
