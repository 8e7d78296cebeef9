"""Webhooks: new scorecards, gaps and assignments, told to the addresses that the settings name. Off unless they do.

What is new is read from the store after the fact (`news`) and noted in `webhooks.sqlite` (`outbox`); a courier sends it
from there, signed, with retries (`send`, `courier`). No batch waits for it, and none fails by it.
"""
