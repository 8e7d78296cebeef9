"""How well, how fast and how large recordings are heard: `python -m benchmarks.hearing` writes HEARING.md."""
