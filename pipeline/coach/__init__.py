"""From scored calls to coaching: standings -> gaps -> training -> effect, and snippets, accounts and plans beside them.

Everything here is a pure function over the rows of `pipeline/coach/rows.py`; `pipeline/coach/load.py` reads them from
the store. Levels are 0-4, dates are calendar days, and only calls that were scored count.
"""
