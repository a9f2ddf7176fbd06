# The operations, in the order in which the forward pass meets them.
set(OPS repack unpack dequantise embedding rmsnorm linear add_bias rope kv_append attention paged_attention swiglu add
    convert softmax argmax norm_qkv_rope_append linear_add norm_gate_up_swiglu norm_head_argmax
    temperature repetition_penalty top_k top_p min_p draw)
# Operations that no kernel and no pair has, each with its reason.
#   attention   the dense form, of which the twin of paged_attention is composed
set(REFERENCE_ONLY attention)
# Files in core/ops, in reference and in kernels that no operation owns.
set(OP_SUPPORT matrix expect packing kv_cache logits)
set(REFERENCE_SUPPORT model linear_fast linear_half in_order)
set(KERNEL_SUPPORT linear_rows linear_tiles loader weights kv_pages model sampling_workspace boundaries)
