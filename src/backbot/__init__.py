"""backbot answers questions about back pain from a publisher's articles, sentence by sentence."""

import os

# ONNX Runtime, as it is published, names the machine and reports to its maker unless this is set before it is imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
