"""Everything that is a neural network or stands in for one.

Importing this package keeps a library from calling home that is loaded after it: by itself ONNX Runtime writes a device
identifier into the user's cache folder and tells Microsoft of each session. No environment may ask for that.
"""

from __future__ import annotations

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
