"""The texts that an editor has open, and when each of them is checked.

A text is checked when it is opened or saved, and when it stands still for a moment; then with its data files only if
they are read quickly.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcInvalidParams, PyglsError
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path
from pygls.workspace import TextDocument

from dsl.diagnostics import Diagnostic
from dsl.source import Span

from .. import __version__
from .document import Document
from .files import Files
from .to_protocol import Positions, diagnostic

QUIET = 0.2
"""Seconds without a change after which a text is checked."""
SHORT_READ = 0.5
"""Seconds of reading data files up to which they are read again whenever a text stands still."""
SHORT = 8192
"""Characters up to which a text is parsed for each completion: some 20 ms. In a longer one the names that are proposed
are those of its last check."""


class NetServer(LanguageServer):
    """The server, and the last state of each text that is open."""

    def __init__(self) -> None:
        # Whole texts, for pygls splits lines at more characters than editors do when it applies an edit.
        super().__init__("gpubp", __version__, text_document_sync_kind=lsp.TextDocumentSyncKind.Full)
        self._known: dict[str, Document] = {}
        self._checked: dict[str, Document] = {}
        self._waiting: dict[str, asyncio.Task[None]] = {}  # checks that have not begun
        self._took: dict[str, float] = {}  # seconds of the last check
        self._read: dict[str, float] = {}  # seconds of the last reading of its data
        self._one_at_a_time = asyncio.Lock()

    def document(self, uri: str) -> Document:
        """What an editor shows now; what is known of an unchanged text is kept. Raises JsonRpcInvalidParams for a text
        that is not open."""
        text, known = self.workspace.text_documents.get(uri), self._known.get(uri)
        if text is None:
            raise JsonRpcInvalidParams(f"{uri} is not open")
        if known is None or known.source.text != text.source:
            known = self._known[uri] = Document(_path(text), text.source)
        return known

    def files(self) -> Files:
        """The texts that are open, and the folders of the editor's workspace."""
        shown = [self.document(uri) for uri in self.workspace.text_documents]
        roots = [to_fs_path(folder.uri) for folder in self.workspace.folders.values()] or [self.workspace.root_path]
        return Files(shown, (Path(root) for root in roots if root))

    def location(self, span: Span) -> lsp.Location:
        """A span of some file as the editor names it."""
        path = os.path.realpath(span.source.name)
        shown = (uri for uri in self.workspace.text_documents if os.path.realpath(to_fs_path(uri) or uri) == path)
        uri = next(shown, None) or from_fs_path(path) or path
        return lsp.Location(uri, Positions(span.source, self.workspace.position_codec).range(span))

    def importing(self, uri: str) -> list[str]:
        """The other texts that are open and import something: perhaps this one."""
        others = [other for other in self.workspace.text_documents if other != uri]
        return [other for other in others if "import" in self.document(other).source.text]

    def placed(self, uri: str) -> tuple[Document, Positions]:
        """What an editor shows now, and its offsets as the editor's positions. What needs the net is answered by a
        thread, so that nothing else waits for it."""
        document = self.document(uri)
        return document, Positions(document.source, self.workspace.position_codec)

    async def settled(self, uri: str) -> tuple[Document, Positions]:
        """The same for what editors ask after each change by themselves: once the text stands still, so that nothing is
        computed for texts that are gone already."""
        document, places = self.placed(uri)
        while self._checked.get(uri) is not document:
            await asyncio.sleep(QUIET)
            before, (document, places) = document, self.placed(uri)
            if document.source.text == before.source.text:
                break
        return document, places

    def last_checked(self, uri: str) -> Document | None:
        """The state in which a text was checked last, if it is too long to be parsed while somebody types."""
        return self._checked.get(uri) if len(self.document(uri).source.text) > SHORT else None

    def check(self, uri: str, *, rows: bool = False) -> None:
        """Publish the findings of a text: with those of its data at once, else when it has stood still for QUIET, or
        for as long as the last check took."""
        self._stop_waiting(uri)
        wait = 0.0 if rows else max(QUIET, self._took.get(uri, 0.0))
        self._waiting[uri] = asyncio.ensure_future(self._check(uri, rows, wait))

    def _stop_waiting(self, uri: str) -> None:
        waiting = self._waiting.pop(uri, None)
        if waiting is not None:
            waiting.cancel()

    async def _check(self, uri: str, rows: bool, wait: float) -> None:
        await asyncio.sleep(wait)
        async with self._one_at_a_time:
            del self._waiting[uri]  # a thread cannot be cancelled
            try:
                await self._check_now(uri, rows)
            except Exception as error:  # nobody waits for this task
                self.report_server_error(error, PyglsError)

    async def _check_now(self, uri: str, rows: bool) -> None:
        text = self.workspace.text_documents.get(uri)
        if text is None:
            return
        document = Document(_path(text), text.source) if rows else self.document(uri)
        version, began = text.version, time.monotonic()
        reads = rows or self._read.get(uri, 0.0) <= SHORT_READ
        found, checked = await asyncio.to_thread(_found, document, reads)
        now, codec = self.workspace.text_documents.get(uri), self.workspace.position_codec
        if now is None:
            return
        self._took[uri] = checked - began
        if reads and document.net is not None:
            self._read[uri] = time.monotonic() - checked
        self._checked[uri] = document
        if now.source != document.source.text:  # the next check waits already
            return
        self._known[uri] = document
        shown = [diagnostic(document, finding, codec) for finding in found]
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, shown, version))

    def forget(self, uri: str) -> None:
        """Stop checking a text that was closed, and take its findings away."""
        self._stop_waiting(uri)
        self._known.pop(uri, None)
        self._checked.pop(uri, None)
        self._took.pop(uri, None)
        self._read.pop(uri, None)
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, []))


def _found(document: Document, reads: bool) -> tuple[list[Diagnostic], float]:
    """What is wrong with a text, and with its data if it is to be read, and when the text had been checked."""
    found, _ = [*document.findings], document.definitions
    checked = time.monotonic()
    return [*found, *(document.data_findings if reads else ())], checked


def _path(text: TextDocument) -> Path:
    return Path(to_fs_path(text.uri) or text.uri)
