"""Words with which a question begins, for speech in which nobody wrote a question mark."""

from __future__ import annotations

import re

_ASKING = re.compile(
    r"(?:so |and |but |okay |right )*"
    r"(?:who|what|when|where|why|how|which|do|does|did|is|are|can|could|would|will|have)\b",
    re.IGNORECASE,
)


def begins_as_question(text: str) -> bool:
    """Whether a text begins as a question does: `so what`, `could you`."""
    return bool(_ASKING.match(text))
