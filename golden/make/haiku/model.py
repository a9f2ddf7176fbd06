"""The qwen2 architecture in PyTorch: RMS norm, GQA with biases on q, k, v, rotation by halves, SwiGLU, tied output."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """Sizes of the model."""

    layers: int = 4
    width: int = 384
    heads: int = 6
    kv_heads: int = 2
    ffn: int = 1024
    vocabulary: int = 2040
    context: int = 512
    rope_base: float = 1e6
    eps: float = 1e-6

    @property
    def head(self) -> int:
        return self.width // self.heads


class Norm(nn.Module):
    """x / sqrt(mean(x^2) + eps) * weight, in float."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(width)), eps

    def forward(self, x: Tensor) -> Tensor:
        x = x.float()
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight


def blocks_of(w: Tensor) -> Tensor:
    """Rows cut into the blocks of 32 that share a scale."""
    return w.view(w.shape[0], -1, 32)


def like_q5_0(w: Tensor) -> Tensor:
    """The weight as Q5_0 would hold it: 16 steps down from the element of largest magnitude."""
    b = blocks_of(w)
    d = b.gather(-1, b.abs().argmax(-1, keepdim=True)) / -16
    return (torch.clamp(torch.round(b / torch.where(d == 0, 1.0, d)), -16, 15) * d).view_as(w)


def like_q4_k(w: Tensor) -> Tensor:
    """The weight about as Q4_K would hold it: 15 steps between minimum (at most 0) and maximum of 32."""
    b = blocks_of(w)
    low = b.amin(-1, keepdim=True).clamp(max=0)
    d = (b.amax(-1, keepdim=True) - low).clamp(min=1e-8) / 15
    return (torch.clamp(torch.round((b - low) / d), 0, 15) * d + low).view_as(w)


class Linear(nn.Linear):
    """A linear layer that can train through its own rounding (straight-through gradient)."""

    def __init__(self, inner: int, outer: int, bias: bool = False, rounded=like_q5_0) -> None:
        super().__init__(inner, outer, bias=bias)
        self.rounded, self.rounding = rounded, False

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight
        if self.rounding:
            weight = weight + (self.rounded(weight.detach()) - weight.detach())
        return F.linear(x, weight, self.bias)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotates the pairs (i, i + half) of each head; x is [batch, heads, tokens, head]."""
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


class Layer(nn.Module):
    """Attention and feed-forward with their norms; names follow GGUF."""

    def __init__(self, s: Shape) -> None:
        super().__init__()
        self.s, kv = s, s.kv_heads * s.head
        self.attn_norm, self.ffn_norm = Norm(s.width, s.eps), Norm(s.width, s.eps)
        self.attn_q, self.attn_k = Linear(s.width, s.width, bias=True), Linear(s.width, kv, bias=True)
        self.attn_v, self.attn_output = Linear(s.width, kv, bias=True), Linear(s.width, s.width)
        self.ffn_gate, self.ffn_up = Linear(s.width, s.ffn), Linear(s.width, s.ffn)
        self.ffn_down = Linear(s.ffn, s.width, rounded=like_q4_k)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, cache: list | None) -> Tensor:
        b, t, _ = x.shape
        h = self.attn_norm(x)
        q, k, v = (m(h).view(b, t, -1, self.s.head).transpose(1, 2) for m in (self.attn_q, self.attn_k, self.attn_v))
        q, k = rotate(q, cos, sin).type_as(v), rotate(k, cos, sin).type_as(v)
        if cache is not None:
            cache[:] = [torch.cat((old, new), 2) for old, new in zip(cache, (k, v))] if cache else [k, v]
            k, v = cache
        groups = self.s.heads // self.s.kv_heads
        k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=t > 1)
        x = x + self.attn_output(a.transpose(1, 2).reshape(b, t, -1))
        h = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(h)) * self.ffn_up(h))


class Model(nn.Module):
    """Token ids [batch, tokens] to logits [batch, tokens, vocabulary]."""

    def __init__(self, s: Shape = Shape()) -> None:
        super().__init__()
        self.s = s
        self.token_embd = nn.Embedding(s.vocabulary, s.width)
        self.blk = nn.ModuleList(Layer(s) for _ in range(s.layers))
        self.output_norm = Norm(s.width, s.eps)
        for name, p in self.named_parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02 if "output" not in name and "down" not in name else 0.02 / (2 * s.layers) ** 0.5)
            elif name.endswith("bias"):
                nn.init.zeros_(p)
        angles = torch.outer(torch.arange(s.context), s.rope_base ** (-torch.arange(0, s.head, 2) / s.head))
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def rounding(self, on: bool) -> None:
        """Lets every linear layer compute with rounded weights."""
        for m in self.modules():
            if isinstance(m, Linear):
                m.rounding = on

    def hidden(self, ids: Tensor, caches: list[list] | None = None, start: int = 0) -> Tensor:
        """The normed state of every position; `caches` is one list a layer, empty before the first call."""
        x = self.token_embd(ids)
        cos, sin = (t[start:start + ids.shape[1]] for t in (self.cos, self.sin))
        for i, layer in enumerate(self.blk):
            x = layer(x, cos, sin, caches[i] if caches is not None else None)
        return self.output_norm(x)

    def forward(self, ids: Tensor, caches: list[list] | None = None, start: int = 0) -> Tensor:
        return F.linear(self.hidden(ids, caches, start), self.token_embd.weight)
