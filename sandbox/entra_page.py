"""The authorize page a browser sees: pick a person, no password, and plainly a sandbox."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from sandbox.accounts import Account

STYLE = """
body{font:16px/1.5 "Segoe UI",system-ui,sans-serif;max-width:30rem;margin:2rem auto;padding:0 1rem;
color:#242424;background:#fff}
.banner{background:#fff4ce;border:1px solid #8a6d00;padding:.5rem .75rem}
button{display:block;width:100%;text-align:left;font:inherit;color:inherit;background:#f5f5f5;
border:1px solid #616161;padding:.5rem .75rem;margin:.5rem 0;cursor:pointer}
button:hover,button:focus{background:#e8ebfa}
small{color:#424242;display:block}
@media(prefers-color-scheme:dark){body,small{color:#f5f5f5;background:#1f1f1f}
button,button small{background:#333;color:#f5f5f5}.banner{background:#4d3b00}}
"""


def pick_page(accounts: Iterable[Account], login_hint: str | None) -> str:
    """The page with a button for each person; the hinted one first."""
    ordered = sorted(accounts, key=lambda account: account.person.email != login_hint)
    buttons = "".join(_button(account) for account in ordered)
    return _page(
        "Pick a person",
        f"""<form method="post"><p>Who is signing in? Nobody has a password here.</p>{buttons}
<p><label><input type="checkbox" name="password_only" value="1">
 without a second factor</label></p>
<button name="person" value="">Cancel</button></form>""",
    )


def trouble_page(text: str) -> str:
    """The page that says why the sign-in cannot go on."""
    return _page("Sign-in is not possible", f"<p>{escape(text)}</p>")


def _button(account: Account) -> str:
    person = account.person
    role = person.role.value or "no Partner Center role"
    return (
        f'<button name="person" value="{escape(person.key)}">{escape(person.name)}'
        f"<small>{escape(person.email)} · {escape(person.title)} · {escape(role)}</small></button>"
    )


def _page(title: str, body: str) -> str:
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>{escape(title)} (sandbox)</title>
<style>{STYLE}</style></head><body><main>
<p class="banner"><strong>Sandbox.</strong> This page stands in for Microsoft Entra. The people
are made up.</p><h1>{escape(title)}</h1>{body}</main></body></html>"""
