"""What the server answers about whole texts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from lsprotocol import types as lsp

from dsl.source import Span

from .fixes import fixes
from .formatting import changes, formatted
from .parts import folds, links, nested
from .semantic_tokens import TYPES, semantic_tokens
from .session import NetServer
from .symbols import hints, outline
from .to_protocol import diagnostic, symbol


async def _format(ls: NetServer, sent: lsp.DocumentFormattingParams) -> list[lsp.TextEdit] | None:
    document, places = ls.placed(sent.text_document.uri)
    text = await asyncio.to_thread(formatted, document.source)
    if text == document.source.text:
        return None
    return [lsp.TextEdit(places.range(Span(document.source, 0, len(document.source.text))), text)]


async def _format_range(ls: NetServer, sent: lsp.DocumentRangeFormattingParams) -> list[lsp.TextEdit]:
    document, places = ls.placed(sent.text_document.uri)
    first, last = places.offset(sent.range.start), places.offset(sent.range.end)
    found = await asyncio.to_thread(changes, document.source, first, last)
    return [lsp.TextEdit(places.range(span), text) for span, text in found]


async def _outline(ls: NetServer, sent: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
    document, places = await ls.settled(sent.text_document.uri)
    return [symbol(one, places) for one in await asyncio.to_thread(outline, document)]


async def _folds(ls: NetServer, sent: lsp.FoldingRangeParams) -> list[lsp.FoldingRange]:
    document, places = await ls.settled(sent.text_document.uri)
    found = await asyncio.to_thread(folds, document)
    kinds = {"comment": lsp.FoldingRangeKind.Comment, "import": lsp.FoldingRangeKind.Imports}
    return [
        lsp.FoldingRange(places.position(start).line, places.position(end).line, kind=kinds.get(kind))
        for start, end, kind in found
    ]


def _selections(ls: NetServer, sent: lsp.SelectionRangeParams) -> list[lsp.SelectionRange]:
    document, places = ls.placed(sent.text_document.uri)
    found: list[lsp.SelectionRange] = []
    for position in sent.positions:
        selection: lsp.SelectionRange | None = None
        for span in nested(document, places.offset(position)):
            selection = lsp.SelectionRange(places.range(span), selection)
        found.append(selection or lsp.SelectionRange(lsp.Range(position, position)))
    return found


async def _links(ls: NetServer, sent: lsp.DocumentLinkParams) -> list[lsp.DocumentLink]:
    document, places = await ls.settled(sent.text_document.uri)
    found = await asyncio.to_thread(links, document)
    return [lsp.DocumentLink(places.range(span), path.as_uri()) for span, path in found]


def _colours(ls: NetServer, sent: lsp.SemanticTokensParams) -> lsp.SemanticTokens:
    document, places = ls.placed(sent.text_document.uri)
    return lsp.SemanticTokens(places.encoded(semantic_tokens(document.source)))


async def _hints(ls: NetServer, sent: lsp.InlayHintParams) -> list[lsp.InlayHint]:
    document, places = await ls.settled(sent.text_document.uri)
    first, last = places.offset(sent.range.start), places.offset(sent.range.end)
    found = await asyncio.to_thread(hints, document, first, last)
    return [lsp.InlayHint(places.position(one.offset), one.text, padding_left=True) for one in found]


async def _fixes(ls: NetServer, sent: lsp.CodeActionParams) -> list[lsp.CodeAction]:
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


ANSWERS: Mapping[str, tuple[Callable[..., Any], Any]] = MappingProxyType(
    {
        lsp.TEXT_DOCUMENT_FORMATTING: (_format, None),
        lsp.TEXT_DOCUMENT_RANGE_FORMATTING: (_format_range, None),
        lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL: (_outline, None),
        lsp.TEXT_DOCUMENT_FOLDING_RANGE: (_folds, None),
        lsp.TEXT_DOCUMENT_SELECTION_RANGE: (_selections, None),
        lsp.TEXT_DOCUMENT_DOCUMENT_LINK: (_links, lsp.DocumentLinkOptions()),
        lsp.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL: (_colours, lsp.SemanticTokensLegend(list(TYPES), [])),
        lsp.TEXT_DOCUMENT_INLAY_HINT: (_hints, None),
        lsp.TEXT_DOCUMENT_CODE_ACTION: (_fixes, lsp.CodeActionOptions([lsp.CodeActionKind.QuickFix])),
    }
)
"""The methods of the protocol, with what answers each of them, and its options."""
