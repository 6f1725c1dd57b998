"""backbot answers questions about back pain from a publisher's articles, sentence by sentence."""

import os

# ONNX Runtime, as it is published, names the machine and reports to its maker unless this is set before it is imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

# OpenBLAS divides even small products between threads, and these spin for a while when they have nothing to do: with them
# two questions at once take twice as long as one. Read when numpy is first imported; whoever needs more sets it before.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
