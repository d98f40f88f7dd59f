"""What the server answers about one place in a text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcInvalidParams

from dsl.source import Span

from ..errors import GpubpError
from ..frontend import current_catalog
from ..frontend.words import is_stage, written
from .completion import completions
from .cursor import cursor
from .describe import about, places_of_arguments
from .hover import hover
from .references import references, rename
from .session import NetServer
from .symbols import definition
from .to_protocol import completion_item


async def _hover(ls: NetServer, sent: lsp.HoverParams) -> lsp.Hover | None:
    document, places = ls.placed(sent.text_document.uri)
    found = await asyncio.to_thread(hover, document, places.offset(sent.position), ls.files())
    if found is None:
        return None
    return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, found.markdown), places.range(found.span))


async def _definition(ls: NetServer, sent: lsp.DefinitionParams) -> lsp.Location | None:
    document, places = ls.placed(sent.text_document.uri)
    found = await asyncio.to_thread(definition, document, places.offset(sent.position), ls.files())
    return ls.location(found) if found is not None else None


async def _uses(ls: NetServer, uri: str, position: lsp.Position) -> Sequence[Span]:
    document, places = ls.placed(uri)
    return await asyncio.to_thread(references, document, places.offset(position), ls.files())


async def _references(ls: NetServer, sent: lsp.ReferenceParams) -> list[lsp.Location]:
    return [ls.location(span) for span in await _uses(ls, sent.text_document.uri, sent.position)]


async def _highlights(ls: NetServer, sent: lsp.DocumentHighlightParams) -> list[lsp.DocumentHighlight]:
    document, places = ls.placed(sent.text_document.uri)
    found = await asyncio.to_thread(references, document, places.offset(sent.position))
    return [lsp.DocumentHighlight(places.range(span)) for span in found if span.source == document.source]


async def _name(ls: NetServer, sent: lsp.PrepareRenameParams) -> lsp.Range | None:
    document, places = ls.placed(sent.text_document.uri)
    offset = places.offset(sent.position)
    found = await _uses(ls, sent.text_document.uri, sent.position)
    here = (span for span in found if span.source == document.source and span.start <= offset <= span.end)
    return next(map(places.range, here), None)


async def _rename(ls: NetServer, sent: lsp.RenameParams) -> lsp.WorkspaceEdit:
    document, places = ls.placed(sent.text_document.uri)
    try:
        found = await asyncio.to_thread(rename, document, places.offset(sent.position), sent.new_name, ls.files())
    except GpubpError as error:
        raise JsonRpcInvalidParams(str(error)) from None
    edits: dict[str, list[lsp.TextEdit]] = {}
    for place in map(ls.location, found):
        edits.setdefault(place.uri, []).append(lsp.TextEdit(place.range, sent.new_name))
    return lsp.WorkspaceEdit(changes=edits)


def _complete(ls: NetServer, sent: lsp.CompletionParams) -> list[lsp.CompletionItem]:
    document, places = ls.placed(sent.text_document.uri)
    found = completions(document, places.offset(sent.position), ls.last_checked(sent.text_document.uri))
    return [completion_item(item, place, snippets=_knows_snippets(ls)) for place, item in enumerate(found)]


def _knows_snippets(ls: NetServer) -> bool:
    texts = ls.client_capabilities.text_document
    items = texts.completion.completion_item if texts and texts.completion else None
    return bool(items and items.snippet_support)


def _signature(ls: NetServer, sent: lsp.SignatureHelpParams) -> lsp.SignatureHelp | None:
    document, places = ls.placed(sent.text_document.uri)
    own = (ls.last_checked(sent.text_document.uri) or document).signatures
    call = cursor(document.source, places.offset(sent.position), current_catalog(), own).call
    if call is None or call.signature is None:
        return None
    names, spans = places_of_arguments(call.signature)
    active = names.index(call.argument) if call.argument in names else call.index - is_stage(call.signature)
    information = lsp.SignatureInformation(
        written(call.signature),
        lsp.MarkupContent(lsp.MarkupKind.Markdown, about(call.signature)),
        [lsp.ParameterInformation(span) for span in spans],
        active_parameter=active if 0 <= active < len(spans) else None,
    )
    return lsp.SignatureHelp([information])


ANSWERS: Mapping[str, tuple[Callable[..., Any], Any]] = MappingProxyType(
    {
        lsp.TEXT_DOCUMENT_HOVER: (_hover, None),
        lsp.TEXT_DOCUMENT_DEFINITION: (_definition, None),
        lsp.TEXT_DOCUMENT_REFERENCES: (_references, None),
        lsp.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT: (_highlights, None),
        lsp.TEXT_DOCUMENT_PREPARE_RENAME: (_name, None),
        lsp.TEXT_DOCUMENT_RENAME: (_rename, lsp.RenameOptions(prepare_provider=True)),
        lsp.TEXT_DOCUMENT_COMPLETION: (
            _complete,
            lsp.CompletionOptions(trigger_characters=[">", "(", ",", "=", " ", "[", "."]),
        ),
        lsp.TEXT_DOCUMENT_SIGNATURE_HELP: (_signature, lsp.SignatureHelpOptions(trigger_characters=["(", ","])),
    }
)
"""The methods of the protocol, with what answers each of them, and its options."""
