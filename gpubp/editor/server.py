"""The Language Server Protocol, version 3.17, by pygls: it hands the questions of an editor on and translates the
answers."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import redirect_stdout

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcInvalidParams
from pygls.uris import from_fs_path

from dsl.format import FormatError, format_text
from dsl.source import Span

from ..errors import GpubpError
from ..frontend import current_catalog
from ..frontend.plugins import load_plugins
from ..frontend.words import is_stage, written
from .completion import completions
from .cursor import cursor
from .describe import about, places_of_arguments
from .fixes import fixes
from .hover import hover
from .references import references, rename
from .semantic_tokens import TYPES, semantic_tokens
from .session import NetServer
from .symbols import definition, hints, outline
from .to_protocol import Positions, completion_item, diagnostic, symbol


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

    @server.feature(lsp.TEXT_DOCUMENT_PREPARE_RENAME)
    async def named(ls: NetServer, sent: lsp.PrepareRenameParams) -> lsp.Range | None:
        document, places = ls.placed(sent.text_document.uri)
        offset = places.offset(sent.position)
        found = await asyncio.to_thread(references, document, offset)
        return next((places.range(span) for span in found if span.start <= offset <= span.end), None)

    @server.feature(lsp.TEXT_DOCUMENT_RENAME, lsp.RenameOptions(prepare_provider=True))
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

    @server.feature(lsp.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, lsp.SemanticTokensLegend(list(TYPES), []))
    def coloured(ls: NetServer, sent: lsp.SemanticTokensParams) -> lsp.SemanticTokens:
        document, places = ls.placed(sent.text_document.uri)
        return lsp.SemanticTokens(places.encoded(semantic_tokens(document.source)))

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
        first = places.offset(lsp.Position(sent.range.start.line, 0))  # whole lines: some editors ask for the cursor's
        last = places.offset(lsp.Position(sent.range.end.line, 2**31 - 1))
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
