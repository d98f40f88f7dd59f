"""The language server as an editor uses it: a process that is spoken to over its standard streams."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("pygls")
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.client import LanguageClient
from pygls.workspace import PositionCodec

from dsl.source import Source, Span
from gpubp.cli.main import main
from gpubp.editor.document import Document
from gpubp.editor.semantic_tokens import TYPES, semantic_tokens
from gpubp.editor.to_protocol import Positions, diagnostic

TEXT = """\
# \U0001f600
data {
  x, y = csv("t.csv", target = "y")
}

model {
  input  x: [2]
  target y: [1]
  output p = x -> dense(1)
}

train {
  loss      = mse(p, y)
  optimizer = sgd(lr = 0.1)
  epochs    = 1
}
"""
ENCODINGS = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r")), st.data(), st.sampled_from(sorted(ENCODINGS)))
def test_positions_are_counted_as_the_editor_counts(text: str, data: st.DataObject, encoding: str) -> None:
    places = Positions(Source("x", text), PositionCodec(encoding))
    offset = data.draw(st.integers(0, len(text)))
    found = places.position(offset)
    before = text[:offset].split("\n")
    width = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
    assert found.line == len(before) - 1
    assert found.character == len(before[-1].encode(ENCODINGS[encoding])) // width
    assert places.offset(found) == offset


def test_positions_beyond_the_text_are_its_end() -> None:
    places = Positions(Source("x", "ab\r\nc"), PositionCodec("utf-16"))
    assert places.offset(lsp.Position(0, 99)) == 2
    assert places.offset(lsp.Position(9, 0)) == 5


def test_lines_end_where_the_protocol_says() -> None:
    """At LF, CR LF and CR, and at no other character that Python counts as the end of a line."""
    text = "a\rb\r\nc\u2028\x0c\x85d\ne"
    places = Positions(Source("x", text), PositionCodec("utf-16"))
    starts = [places.position(text.index(letter)) for letter in "abcde"]
    assert [(one.line, one.character) for one in starts] == [(0, 0), (1, 0), (2, 0), (2, 4), (3, 0)]
    assert [places.offset(one) for one in starts] == [text.index(letter) for letter in "abcde"]


@pytest.mark.parametrize("encoding", sorted(ENCODINGS))
def test_semantic_tokens_are_relative_to_each_other(encoding: str) -> None:
    source = Source("x", TEXT.replace('"t.csv"', '"\U0001f600.csv"'))
    places, found = Positions(source, PositionCodec(encoding)), list(semantic_tokens(source))
    data = places.encoded(found)
    line = character = 0
    for index, (start, end, kind) in enumerate(found):
        down, along, length, type_index, _ = data[5 * index : 5 * index + 5]
        line, character = line + down, along + (0 if down else character)
        assert lsp.Position(line, character) == places.position(start)
        assert (places.position(end).character - character, TYPES[type_index]) == (length, kind)


def test_a_finding_with_all_that_is_said_of_it() -> None:
    document = Document(Path("/x.net"), TEXT.replace("dense(1)", "dense(unit = 1)"))
    (finding,) = document.findings
    found = diagnostic(document, finding, PositionCodec("utf-16"))
    assert (found.code, found.source, found.severity) == ("E0204", "gpubp", lsp.DiagnosticSeverity.Error)
    assert found.message.startswith(
        "`dense` has no argument `unit`\nhere: unknown argument\nhelp: did you mean `units`?"
    )
    assert found.range == lsp.Range(lsp.Position(8, 24), lsp.Position(8, 28))


def test_a_finding_in_an_imported_file_stands_at_the_import(tmp_path: Path) -> None:
    (tmp_path / "lib.net").write_text("block deep(n) on x {\n  return x -> dens(n)\n}\n")
    text = 'import "lib.net" as lib\nmodel {\n  input x: [2]\n  output p = x -> lib.deep(3)\n}\n'
    document = Document(tmp_path / "x.net", text)
    found = diagnostic(document, document.findings[0], PositionCodec("utf-16"))
    assert found.message.startswith("in `lib.net`: ")
    assert found.range == Positions(document.source, PositionCodec("utf-16")).range(Span(document.source, 7, 16))
    assert found.related_information is not None
    assert found.related_information[0].location.uri == (tmp_path / "lib.net").as_uri()
    assert found.related_information[0].location.range.start == lsp.Position(1, 14)


def session(folder: Path, talk: Callable[[LanguageClient, asyncio.Queue[Any], str], Awaitable[None]]) -> None:
    """Start a server, open `x.net` in it, talk, and say goodbye; the server must end by itself, without a complaint."""

    async def run() -> None:
        client: LanguageClient = LanguageClient("test", "1")
        published: asyncio.Queue[Any] = asyncio.Queue()
        client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda sent: published.put_nowait(sent))
        await client.start_io(sys.executable, "-m", "gpubp", "lsp")
        answer = await client.initialize_async(lsp.InitializeParams(capabilities=lsp.ClientCapabilities()))
        follows = answer.capabilities.text_document_sync
        assert isinstance(follows, lsp.TextDocumentSyncOptions)
        assert follows.change == lsp.TextDocumentSyncKind.Full
        client.initialized(lsp.InitializedParams())
        uri = (folder / "x.net").as_uri()
        client.text_document_did_open(
            lsp.DidOpenTextDocumentParams(lsp.TextDocumentItem(uri, "gpubp", 1, (folder / "x.net").read_text()))
        )
        await talk(client, published, uri)
        await client.shutdown_async(None)
        client.exit(None)
        assert client._server is not None
        assert await asyncio.wait_for(client._server.wait(), 20) == 0
        await client.stop()

    asyncio.run(asyncio.wait_for(run(), 60))


def test_a_session(tmp_path: Path) -> None:
    (tmp_path / "x.net").write_text(TEXT, encoding="utf-8")
    (tmp_path / "t.csv").write_text("a,b,y\n1,2,3\n4,5,oops\n")

    async def talk(client: LanguageClient, published: asyncio.Queue[Any], uri: str) -> None:
        text = lsp.TextDocumentIdentifier(uri)

        def change(version: int, new: str) -> None:
            client.text_document_did_change(
                lsp.DidChangeTextDocumentParams(
                    lsp.VersionedTextDocumentIdentifier(version=version, uri=uri),
                    [lsp.TextDocumentContentChangeWholeDocument(new)],
                )
            )

        async def checked(version: int) -> list[lsp.Diagnostic]:
            """What was found in a version; one before it was checked too if it stood still for long."""
            sent = await published.get()
            while sent.version != version:
                sent = await published.get()
            return list(sent.diagnostics)

        # What is wrong with the data is found when a file is opened.
        (found,) = await checked(1)
        assert found.code.startswith("E04")
        assert "oops" in found.message
        # While somebody types, the text is checked once it stands still.
        change(2, TEXT.replace("dense(1)", "den"))
        change(3, TEXT.replace("dense(1)", "dens(1)"))
        (found,) = await checked(3)
        assert found.code == "E0208"
        # The remedy is applied by one key.
        (action,) = (
            await client.text_document_code_action_async(
                lsp.CodeActionParams(text, found.range, lsp.CodeActionContext([found]))
            )
            or ()
        )
        assert isinstance(action, lsp.CodeAction)
        assert action.edit is not None
        assert action.edit.changes == {uri: [lsp.TextEdit(found.range, "dense")]} or action.edit.changes == {
            uri: (lsp.TextEdit(found.range, "dense"),)
        }
        change(4, TEXT)
        await checked(4)
        whole = lsp.Range(lsp.Position(0, 0), lsp.Position(99, 0))
        (hint,) = await client.text_document_inlay_hint_async(lsp.InlayHintParams(text, whole)) or ()
        assert (hint.label, hint.position) == ("[1]; 3 parameters", lsp.Position(8, 26))
        dense = lsp.Position(8, 20)
        hover = await client.text_document_hover_async(lsp.HoverParams(text, dense))
        assert hover is not None
        assert "gives `[1]`" in hover.contents.value  # type: ignore[union-attr]
        place = await client.text_document_definition_async(lsp.DefinitionParams(text, lsp.Position(12, 18)))
        assert place == lsp.Location(uri, lsp.Range(lsp.Position(8, 9), lsp.Position(8, 10)))
        uses = await client.text_document_references_async(
            lsp.ReferenceParams(lsp.ReferenceContext(include_declaration=True), text, lsp.Position(12, 18))
        )
        assert [use.range.start for use in uses or ()] == [lsp.Position(8, 9), lsp.Position(12, 18)]
        edit = await client.text_document_rename_async(lsp.RenameParams(text, lsp.Position(12, 18), "q"))
        assert edit is not None
        assert edit.changes is not None
        assert [(one.range.start, one.new_text) for one in edit.changes[uri]] == [
            (lsp.Position(8, 9), "q"),
            (lsp.Position(12, 18), "q"),
        ]
        for character, there in ((18, lsp.Range(lsp.Position(12, 18), lsp.Position(12, 19))), (15, None)):
            asked = lsp.PrepareRenameParams(text, lsp.Position(12, character))
            assert await client.text_document_prepare_rename_async(asked) == there
        with pytest.raises(JsonRpcException, match="would mean something else"):
            await client.text_document_rename_async(lsp.RenameParams(text, lsp.Position(12, 18), "x"))
        help = await client.text_document_signature_help_async(lsp.SignatureHelpParams(text, lsp.Position(13, 21)))
        assert help is not None
        assert help.signatures[0].label.startswith("sgd(lr")
        assert help.signatures[0].active_parameter == 0
        items = await client.text_document_completion_async(lsp.CompletionParams(text, lsp.Position(13, 14)))
        assert "adam" in {item.label for item in items}  # type: ignore[union-attr]
        outline = await client.text_document_document_symbol_async(lsp.DocumentSymbolParams(text)) or ()
        assert [one.name for one in outline] == ["data", "model", "train"]
        folds = await client.text_document_folding_range_async(lsp.FoldingRangeParams(text)) or ()
        assert [(one.start_line, one.end_line) for one in folds] == [(1, 2), (5, 8), (11, 14)]
        inside = lsp.SelectionRangeParams(text, [lsp.Position(8, 24)])
        (selection,) = await client.text_document_selection_range_async(inside) or ()
        assert selection.range == lsp.Range(lsp.Position(8, 24), lsp.Position(8, 25))
        (link,) = await client.text_document_document_link_async(lsp.DocumentLinkParams(text)) or ()
        assert (link.range.start, link.target) == (lsp.Position(2, 13), (tmp_path / "t.csv").as_uri())
        asked_for = lsp.DocumentHighlightParams(text, lsp.Position(12, 18))
        assert len(await client.text_document_document_highlight_async(asked_for) or ()) == 2
        change(5, TEXT.replace("epochs    =", "epochs ="))
        await checked(5)
        options = lsp.FormattingOptions(tab_size=2, insert_spaces=True)
        (formatted,) = await client.text_document_formatting_async(lsp.DocumentFormattingParams(text, options)) or ()
        assert formatted.new_text == TEXT
        line = TEXT.splitlines().index(next(one for one in TEXT.splitlines() if "epochs" in one))
        here = lsp.Range(lsp.Position(line, 0), lsp.Position(line, 4))
        ranged = lsp.DocumentRangeFormattingParams(text, here, options)
        (edit,) = await client.text_document_range_formatting_async(ranged) or ()
        assert (edit.range.start.line, edit.range.end.line) == (line, line + 1)
        assert edit.new_text == TEXT.splitlines(keepends=True)[line]
        # Saved, the data is read again; closed, nothing is said of the file any more.
        (tmp_path / "t.csv").write_text("a,b,y\n1,2,3\n4,5,6\n")
        client.text_document_did_save(lsp.DidSaveTextDocumentParams(text))
        assert not [one for one in (await published.get()).diagnostics if one.severity == lsp.DiagnosticSeverity.Error]
        # A file that is saved is read again by those that import it, and a name of it is changed in them, too.
        lib = tmp_path / "lib.net"
        lib.write_text("fn twice(v) = 2 * v\n")
        change(6, 'import "lib.net" as lib\n' + TEXT.replace("dense(1)", "dense(1) -> lib.twice"))
        await published.get()
        wrong = "fn twice(v) = 2 * w\n"
        opened = lsp.TextDocumentItem(lib.as_uri(), "gpubp", 1, wrong)
        client.text_document_did_open(lsp.DidOpenTextDocumentParams(opened))
        await published.get()
        lib.write_text(wrong)
        client.text_document_did_save(lsp.DidSaveTextDocumentParams(lsp.TextDocumentIdentifier(lib.as_uri())))
        codes = {
            sent.uri: {one.code for one in sent.diagnostics} for sent in [await published.get(), await published.get()]
        }
        assert codes[uri] == codes[lib.as_uri()] == {"E0201"}
        twice = lsp.RenameParams(text, lsp.Position(9, 35), "double")
        edit = await client.text_document_rename_async(twice)
        assert edit is not None
        assert {name: len(edits) for name, edits in (edit.changes or {}).items()} == {uri: 1, lib.as_uri(): 1}
        client.text_document_did_close(lsp.DidCloseTextDocumentParams(text))
        assert not (await published.get()).diagnostics

    session(tmp_path, talk)


def test_without_pygls_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "gpubp.editor.server", None)
    assert main(["lsp"]) == 2
    assert "pip install 'gpubp[editor]'" in capsys.readouterr().err
