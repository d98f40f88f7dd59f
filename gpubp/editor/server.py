"""The Language Server Protocol, version 3.17, by pygls: it hands the questions of an editor on and translates the
answers.

A text is checked when it stands still for a moment, and with its data files when it is opened or saved.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcInvalidParams, PyglsError
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path
from pygls.workspace import TextDocument

from dsl.format import FormatError, format_text
from dsl.source import Span

from .. import __version__
from ..errors import GpubpError
from ..frontend import current_catalog
from ..frontend.plugins import load_plugins
from ..frontend.words import is_stage, written
from .completion import completions
from .cursor import cursor
from .describe import about, places_of_arguments
from .document import Document
from .fixes import fixes
from .hover import hover
from .references import references, rename
from .symbols import definition, hints, outline
from .to_protocol import Positions, completion_item, diagnostic, symbol

QUIET = 0.2
"""Seconds without a change after which a text is checked."""
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
        document = Document(_path(text), text.source, rows=True) if rows else self.document(uri)
        version, began = text.version, time.monotonic()
        await asyncio.to_thread(lambda: (document.findings, document.definitions))
        now, codec = self.workspace.text_documents.get(uri), self.workspace.position_codec
        if now is None:
            return
        if not rows:
            self._took[uri] = time.monotonic() - began
        self._checked[uri] = document
        if now.source != document.source.text:  # the next check waits already
            return
        self._known[uri] = document
        found = [diagnostic(document, finding, codec) for finding in document.findings]
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, found, version))

    def forget(self, uri: str) -> None:
        """Stop checking a text that was closed, and take its findings away."""
        self._stop_waiting(uri)
        self._known.pop(uri, None)
        self._checked.pop(uri, None)
        self._took.pop(uri, None)
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, []))


def _path(text: TextDocument) -> Path:
    return Path(to_fs_path(text.uri) or text.uri)


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
    _answer_places(server)
    _answer_texts(server)
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
        ls.check(sent.text_document.uri, rows=True)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def closed(ls: NetServer, sent: lsp.DidCloseTextDocumentParams) -> None:
        ls.forget(sent.text_document.uri)


def _answer_places(server: NetServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    async def hovered(ls: NetServer, sent: lsp.HoverParams) -> lsp.Hover | None:
        document, places = ls.placed(sent.text_document.uri)
        found = await asyncio.to_thread(hover, document, places.offset(sent.position))
        if found is None:
            return None
        return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, found.markdown), places.range(found.span))

    @server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    async def defined(ls: NetServer, sent: lsp.DefinitionParams) -> lsp.Location | None:
        uri = sent.text_document.uri
        document, places = ls.placed(uri)
        found = await asyncio.to_thread(definition, document, places.offset(sent.position))
        if found is None:
            return None
        path, span = found
        target = from_fs_path(str(path.absolute())) or uri
        return lsp.Location(target, Positions(span.source, ls.workspace.position_codec).range(span))

    @server.feature(lsp.TEXT_DOCUMENT_REFERENCES)
    async def used(ls: NetServer, sent: lsp.ReferenceParams) -> list[lsp.Location]:
        uri = sent.text_document.uri
        document, places = ls.placed(uri)
        found = await asyncio.to_thread(references, document, places.offset(sent.position))
        return [lsp.Location(uri, places.range(span)) for span in found]

    @server.feature(lsp.TEXT_DOCUMENT_RENAME)
    async def renamed(ls: NetServer, sent: lsp.RenameParams) -> lsp.WorkspaceEdit:
        document, places = ls.placed(sent.text_document.uri)
        try:
            found = await asyncio.to_thread(rename, document, places.offset(sent.position), sent.new_name)
        except GpubpError as error:
            raise JsonRpcInvalidParams(str(error)) from None
        edits = [lsp.TextEdit(places.range(span), sent.new_name) for span in found]
        return lsp.WorkspaceEdit(changes={sent.text_document.uri: edits})

    @server.feature(
        lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=[">", "(", ",", "=", " ", "[", "."])
    )
    def completed(ls: NetServer, sent: lsp.CompletionParams) -> list[lsp.CompletionItem]:
        document, places = ls.placed(sent.text_document.uri)
        found = completions(document, places.offset(sent.position), ls.last_checked(sent.text_document.uri))
        return [completion_item(item, place, snippets=_knows_snippets(ls)) for place, item in enumerate(found)]

    @server.feature(lsp.TEXT_DOCUMENT_SIGNATURE_HELP, lsp.SignatureHelpOptions(trigger_characters=["(", ","]))
    def called(ls: NetServer, sent: lsp.SignatureHelpParams) -> lsp.SignatureHelp | None:
        document, places = ls.placed(sent.text_document.uri)
        own = (ls.last_checked(sent.text_document.uri) or document).signatures
        call = cursor(document.source, places.offset(sent.position), current_catalog(), own).call
        if call is None or call.signature is None:
            return None
        names, spans = places_of_arguments(call.signature)
        active = names.index(call.argument) if call.argument in names else call.index - is_stage(call.signature)
        return lsp.SignatureHelp(
            [
                lsp.SignatureInformation(
                    written(call.signature),
                    lsp.MarkupContent(lsp.MarkupKind.Markdown, about(call.signature)),
                    [lsp.ParameterInformation(span) for span in spans],
                    active_parameter=active if 0 <= active < len(spans) else None,
                )
            ]
        )


def _answer_texts(server: NetServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_FORMATTING)
    async def formatted(ls: NetServer, sent: lsp.DocumentFormattingParams) -> list[lsp.TextEdit] | None:
        document, places = ls.placed(sent.text_document.uri)
        try:
            text, findings = await asyncio.to_thread(format_text, document.source)
        except FormatError:
            return None
        if findings or text == document.source.text:
            return None
        whole = places.range(Span(document.source, 0, len(document.source.text)))
        return [lsp.TextEdit(whole, text)]

    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def outlined(ls: NetServer, sent: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
        document, places = await ls.settled(sent.text_document.uri)
        return [symbol(one, places) for one in await asyncio.to_thread(outline, document)]

    @server.feature(lsp.TEXT_DOCUMENT_INLAY_HINT)
    async def hinted(ls: NetServer, sent: lsp.InlayHintParams) -> list[lsp.InlayHint]:
        document, places = await ls.settled(sent.text_document.uri)
        first, last = places.offset(sent.range.start), places.offset(sent.range.end)
        found = await asyncio.to_thread(hints, document, first, last)
        return [lsp.InlayHint(places.position(one.offset), one.text, padding_left=True) for one in found]

    @server.feature(lsp.TEXT_DOCUMENT_CODE_ACTION, lsp.CodeActionOptions([lsp.CodeActionKind.QuickFix]))
    async def mended(ls: NetServer, sent: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        uri = sent.text_document.uri
        document, places = await ls.settled(uri)
        first, last = places.offset(sent.range.start), places.offset(sent.range.end)
        actions: list[lsp.CodeAction] = []
        for finding, fix in await asyncio.to_thread(fixes, document, first, last):
            shown = diagnostic(document, finding, ls.workspace.position_codec)
            edit = lsp.WorkspaceEdit(changes={uri: [lsp.TextEdit(places.range(fix.span), fix.text)]})
            actions.append(lsp.CodeAction(fix.title, lsp.CodeActionKind.QuickFix, [shown], edit=edit))
        return actions


def _knows_snippets(server: NetServer) -> bool:
    texts = server.client_capabilities.text_document
    items = texts.completion.completion_item if texts and texts.completion else None
    return bool(items and items.snippet_support)
