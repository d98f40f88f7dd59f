"""What an editor can show of a `.net` file while it is written: findings, documentation, completions, shapes.

`document.py` is a text with all that is known of it; `hover.py`, `completion.py`, `symbols.py` and `fixes.py` answer
questions about a place in it, as plain values; `session.py` follows the texts that an editor has open, and `server.py`
speaks the Language Server Protocol.
"""
