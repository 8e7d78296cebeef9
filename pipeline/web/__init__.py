"""The web app: server-rendered pages and a JSON API over the same rules.

    request -> gate    who asks, may they, is it really them (CSRF); the log
            -> pages/  one file per page: functions from `Ask` to what is shown
            -> render  Jinja templates -> HTML

`pages/__init__.py` names every page, `api/__init__.py` every resource of the JSON API.
"""
