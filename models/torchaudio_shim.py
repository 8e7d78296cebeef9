"""Import torchaudio where its compiled part cannot load: a CUDA build beside a CPU build of torch.

Resampling, filter banks and MFCC are plain torch code and work without the compiled part; forced alignment does not,
and says so when used. Call `import_torchaudio()` before anything imports pyannote.audio or transformers' model classes.
"""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from types import ModuleType
from typing import Any, NoReturn


def import_torchaudio() -> Any:
    """The torchaudio module, whole where it loads, else with a stand-in for its compiled part.

    Also switches off pyannote's usage metrics. Raises `ImportError` when torchaudio is not installed.
    """
    os.environ["PYANNOTE_METRICS_ENABLED"] = "0"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module("torchaudio")
        except (OSError, RuntimeError):
            for name in [name for name in sys.modules if name.partition(".")[0] == "torchaudio"]:
                del sys.modules[name]
            sys.modules["torchaudio._extension"] = _stand_in()
            return importlib.import_module("torchaudio")


def _stand_in() -> ModuleType:
    module = ModuleType("torchaudio._extension")

    def fail_if_no_align(function: Any) -> Any:
        def refuse(*_: Any, **__: Any) -> NoReturn:
            raise RuntimeError("torchaudio's forced alignment is not available with this build of torch")

        return refuse

    module.__dict__.update(
        _IS_TORCHAUDIO_EXT_AVAILABLE=False, _IS_ALIGN_AVAILABLE=False, fail_if_no_align=fail_if_no_align
    )
    return module
