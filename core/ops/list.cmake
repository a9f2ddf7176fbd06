# The operations, in the order in which the forward pass meets them.
set(OPS embedding rmsnorm linear rope attention swiglu add softmax argmax)
# Files in core/ops and in reference that no operation owns.
set(OP_SUPPORT matrix expect)
set(REFERENCE_SUPPORT model)
