"""Rubrics and the training library: YAML only."""
