"""The Language Server Protocol, version 3.17, by pygls: it hands the questions of an editor on and translates the
answers."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout

from lsprotocol import types as lsp

from ..frontend.plugins import load_plugins
from . import about_places, about_texts
from .session import NetServer


def serve() -> None:
    """Answer an editor over standard input and output until it says goodbye. What the layers of other packages print
    goes to standard error."""
    stream = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    sys.setswitchinterval(0.0005)  # while a thread checks a text, the others answer sooner
    with redirect_stdout(sys.stderr):
        load_plugins()
        make_server().start_io(stdout=stream)


def make_server() -> NetServer:
    """The server with all its features."""
    server = NetServer()
    _follow_texts(server)
    for answers in (about_places.ANSWERS, about_texts.ANSWERS):
        for method, (answer, options) in answers.items():
            server.feature(method, options)(answer)
    return server


def _follow_texts(server: NetServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def opened(ls: NetServer, sent: lsp.DidOpenTextDocumentParams) -> None:
        ls.check(sent.text_document.uri, rows=True)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def changed(ls: NetServer, sent: lsp.DidChangeTextDocumentParams) -> None:
        ls.check(sent.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    def saved(ls: NetServer, sent: lsp.DidSaveTextDocumentParams) -> None:
        for uri in (sent.text_document.uri, *ls.importing(sent.text_document.uri)):
            ls.check(uri, rows=True)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def closed(ls: NetServer, sent: lsp.DidCloseTextDocumentParams) -> None:
        ls.forget(sent.text_document.uri)
