"""When an open text is checked, and what is kept of it."""

from __future__ import annotations

import asyncio
import math
import queue
import threading
from pathlib import Path

import pytest

pytest.importorskip("pygls")
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.workspace import Workspace

from dsl.diagnostics import Diagnostic
from dsl.source import Source
from gpubp.editor import server, session
from gpubp.editor.document import Document

from .test_server import TEXT


class Slow:
    """A text whose findings are known when the test says so."""

    begun: queue.Queue[Slow]

    net, data_findings = None, ()

    def __init__(self, path: Path, text: str) -> None:
        self.source, self.definitions = Source(str(path), text), ()
        self._known = threading.Event()

    @property
    def findings(self) -> tuple[Diagnostic, ...]:
        self.begun.put(self)
        assert self._known.wait(20)
        if self.source.text == "accident":
            raise ZeroDivisionError("an accident")
        return (Diagnostic("E0101", self.source.text),)

    def finish(self) -> None:
        self._known.set()


class Editor:
    """A server in this process that follows texts, and what it published."""

    def __init__(self, patch: pytest.MonkeyPatch, document: type = Slow) -> None:
        Slow.begun = queue.Queue()
        patch.setattr(session, "Document", document)
        patch.setattr(session, "QUIET", 0.0)
        self.server = server.make_server()
        self.server.protocol._workspace = Workspace(None, lsp.TextDocumentSyncKind.Full)
        self.published: list[tuple[str, list[str]]] = []
        self.shown: list[str] = []
        patch.setattr(self.server, "text_document_publish_diagnostics", self._publish)
        patch.setattr(self.server, "window_show_message", lambda sent: self.shown.append(sent.message))

    def _publish(self, sent: lsp.PublishDiagnosticsParams) -> None:
        self.published.append((sent.uri, [one.message for one in sent.diagnostics]))

    def write(self, uri: str, text: str, *, rows: bool = False) -> None:
        self.server.workspace.put_text_document(lsp.TextDocumentItem(uri, "gpubp", 1, text))
        self.server.check(uri, rows=rows)

    def close(self, uri: str) -> None:
        self.server.workspace.remove_text_document(uri)
        self.server.forget(uri)

    async def begun(self) -> Slow:
        return await asyncio.to_thread(Slow.begun.get, timeout=20)

    async def end(self) -> None:
        """Until no check runs or waits."""
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0)


def test_one_check_at_a_time_and_of_those_that_wait_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        editor = Editor(monkeypatch)
        editor.write("a", "1")
        first = await editor.begun()
        for text in "2345":
            editor.write("a", text)
            await asyncio.sleep(0.01)
        assert Slow.begun.empty()
        first.finish()
        last = await editor.begun()
        last.finish()
        await editor.end()
        assert editor.published == [("a", ["5"])]

    asyncio.run(run())


def test_a_text_that_is_closed_while_it_is_checked_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        editor = Editor(monkeypatch)
        editor.write("a", "1")
        check = await editor.begun()
        editor.close("a")
        check.finish()
        await editor.end()
        assert editor.published == [("a", [])]
        kept = [value for value in vars(editor.server).values() if isinstance(value, dict) and "a" in value]
        assert not kept
        editor.server.check("a", rows=True)  # saved, though it is closed
        with pytest.raises(JsonRpcException, match="a is not open"):
            editor.server.document("a")
        await editor.end()

    asyncio.run(run())


def test_what_editors_ask_by_themselves_is_answered_once_the_text_stands_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> None:
        editor = Editor(monkeypatch)
        editor.write("a", "1")
        asked = asyncio.ensure_future(editor.server.settled("a"))
        await asyncio.sleep(0)
        editor.write("a", "2")
        document, _ = await asked
        assert document.source.text == "2"
        (await editor.begun()).finish()
        await editor.end()
        assert (await editor.server.settled("a"))[0] is editor.server.document("a")

    asyncio.run(run())


@pytest.mark.parametrize("quick", [True, False])
def test_data_that_is_read_quickly_is_read_whenever_a_text_stands_still(
    quick: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else only when it is opened or saved."""
    monkeypatch.setattr(session, "SHORT_READ", math.inf if quick else -1.0)
    (tmp_path / "t.csv").write_text("a,b,y\n1,2,3\n4,5,oops\n")
    uri = (tmp_path / "x.net").as_uri()

    async def run() -> None:
        editor = Editor(monkeypatch, Document)
        found = []
        for text, rows in ((TEXT, True), (TEXT + "# more\n", False), (TEXT + "# more\n", True)):
            editor.write(uri, text, rows=rows)
            await editor.end()
            found.append(["oops" in message for message in editor.published.pop()[1]])
        assert found == [[True], [True] if quick else [], [True]]
        assert not editor.published

    asyncio.run(run())


def test_an_accident_in_a_check_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        editor = Editor(monkeypatch)
        editor.write("a", "accident")
        (await editor.begun()).finish()
        await editor.end()
        assert editor.shown == ["Error in server: an accident"]
        editor.write("a", "1")
        (await editor.begun()).finish()
        await editor.end()
        assert editor.published == [("a", ["1"])]

    asyncio.run(run())
