"""The picture of a net: complete, sound, alone, and told in words too."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import gpubp
from gpubp.cli import main
from gpubp.picture.boxes import Box, Scope, scope_of

from .worlds import ALL, CHROMIUM, MODELS, SVG, browser, fetches_nothing, net, sound

ROOT = Path(__file__).resolve().parents[2]


def every(scope: Scope) -> list[Box]:
    return [one for box in scope.boxes for one in (box, *(every(box.inner) if box.inner else ()))]


@pytest.mark.parametrize("name", [*ALL, "unet", "deep"])
@pytest.mark.parametrize("expand", [(), ("all",)])
def test_every_net_is_drawn_whole(name: str, expand: tuple[str, ...]) -> None:
    loaded = net(name)
    sound(gpubp.graph(loaded, expand).svg())
    for fold in (True, False):
        scope = scope_of(loaded, fold)
        drawn = [node for box in scope.boxes for node in box.nodes]
        wanted = [n for n in loaded.graph.nodes if n.kind not in ("constant", "target")]
        assert {id(n) for n in wanted} == {id(n) for n in drawn if n.kind != "target"}
        assert len(drawn) == len(set(drawn))
        assert sum(box.parameters for box in scope.boxes if not box.shared) == loaded.size
        assert sorted(name for box in scope.boxes for name in box.outputs) == sorted(loaded.outputs)


def test_what_stands_in_a_picture() -> None:
    told = sound(gpubp.graph(net("siamese")).svg()).find(f"{SVG}desc")
    assert told is not None
    assert (told.text or "").splitlines() == [
        "left; [8, 8, 1].",
        "right; [8, 8, 1].",
        "encode; [16]; 13,008 parameters; from left.",
        "encode; [16]; 13,008 parameters, shared; from right.",
        "- -> _ ^ 2; [16]; from encode.",
        "sum -> _ + 1e-06 -> sqrt; from -.",
        "reshape([1]); [1]; output distance; from sum.",
        "_ < 1; [1]; from reshape([1]).",
    ]


def test_a_free_parameter_has_the_name_of_the_file() -> None:
    titles = [box.lines[0] for box in scope_of(net("mobility")).boxes if box.parameters]
    assert titles == ["b1", "b2", "b3", "b4", "b5", "b6", "b7"]
    model = "input x: [4]\n target y: [4]\n a = weight([4])\n output p = weight([4]) * x + a"
    loaded = gpubp.loads(f"model {{\n {model}\n}}\ntrain {{ loss = mse(p, y)\n optimizer = adam }}")
    titles = [box.lines[0] for box in scope_of(loaded).boxes if box.parameters]
    assert titles == ["a", "weight([4])"]


def test_a_switch_is_named() -> None:
    stages = "conv(2, 3, bias = false) -> dropout(10%, true)"
    loaded = gpubp.loads(f"model {{\n input x: [4, 4, 1]\n output p = x -> {stages}\n}}")
    assert scope_of(loaded).boxes[1].lines == ("conv(2, 3, bias = false)", "dropout(0.1, channels = true)")


def test_fifty_layers_are_one_box_or_fifty() -> None:
    deep = net("deep")
    folded = scope_of(deep).boxes
    assert [(box.lines[0], box.count) for box in folded] == [
        ("x", 1),
        ("dense(64)", 1),
        ("dense(64)", 49),
        ("dense(1)", 1),
    ]
    assert folded[2].parameters == 49 * (64 * 64 + 64 + 2 * 64)
    assert "dense(64)  × 49" in gpubp.graph(deep).svg()
    assert gpubp.graph(deep, ["all"]).svg().count(">dense(64)<") == 50


def test_blocks_open() -> None:
    resnet = net("digits_resnet")
    closed, opened = gpubp.graph(resnet).svg(), gpubp.graph(resnet, ["residual"]).svg()
    assert "residual  × 2" in closed
    assert 'class="gpubp-frame"' not in closed
    assert opened.count('class="gpubp-frame"') == 3, "equal blocks are opened once"
    assert "residual(channels = 16, stride = 1)  × 2" in opened
    assert gpubp.graph(resnet, ["all"]).svg().count('class="gpubp-frame"') == 4 + 1 + 4 * 2 + 1
    assert gpubp.graph(resnet, "residual").svg() == opened
    with pytest.raises(gpubp.GpubpError, match="no block `residua` to expand; there are `conv_bn`, `residual`"):
        gpubp.graph(resnet, ["residua"])
    with pytest.raises(gpubp.GpubpError, match="it has none"):
        gpubp.graph(net("xor"), ["b"])


def test_a_notebook_gets_the_picture_and_the_insides() -> None:
    shown = gpubp.graph(net("digits_resnet"))._repr_html_()
    assert shown.count("<svg") == 1 + shown.count("<details>") == 1 + 8
    assert "inside <code>residual(channels = 16, stride = 1)</code>, 2 times" in shown
    ids = re.findall(r' id="([^"]+)"', shown)
    assert len(ids) == len(set(ids))
    fetches_nothing(shown)
    assert "script" not in shown


def test_names_from_the_file_stay_text() -> None:
    text = "model {\n  input x: [2]\n  output p = x -> dense(1) -> reshape([1])\n}\n"
    sound(gpubp.graph(gpubp.loads(text, "<b>&amp;.net")).svg())


def channels(color: str) -> list[float]:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]


def contrast(a: str, b: str) -> float:
    """The contrast ratio of two colours (WCAG 2.2)."""
    light, dark = sorted(
        (sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), channels(x))) for x in (a, b)), reverse=True
    )
    return (light + 0.05) / (dark + 0.05)


def test_colours_can_be_read_in_light_and_dark() -> None:
    css = (ROOT / "gpubp/picture/graph.css").read_text("utf-8")
    themes = []
    for part in css.split("@media"):
        rules = dict(re.findall(r"\.gpubp-(\w+) \{ (.*?) \}", part))
        themes.append({name: re.findall(r"#\w{6}", rule) for name, rule in rules.items() if "#" in rule})
    light, dark = themes
    assert {name: len(colors) for name, colors in light.items()} == {name: len(colors) for name, colors in dark.items()}
    for theme in themes:
        (card, line), (paper,) = theme["box"], theme["paper"]
        for ground in (paper, card):
            assert all(contrast(theme[name][0], ground) >= 7 for name in ("name", "stage"))
            assert all(contrast(theme[name][0], ground) >= 4.5 for name in ("foot", "out", "input", "layer"))
            assert all(contrast(color, ground) >= 3 for color in (line, theme["frame"][0], theme["block"][0]))
        assert contrast(theme["head"][0], paper) >= 4.5
        assert theme["halo"] == [paper]


def test_a_program_that_knows_little_css_draws_it() -> None:
    """One for slides or for print: no variables, no selectors but a class, and each class that is used has a rule. It
    may not even know what a media query is."""
    drawn = gpubp.graph(net("digits_resnet"), ["all"]).svg()
    style = re.sub(r"/\*.*?\*/", "", re.findall(r"<style>(.*?)@media", drawn, re.DOTALL)[0])
    assert "var(" not in style
    selectors = re.findall(r"^(.*?) \{", style, re.MULTILINE)
    assert all(re.fullmatch(r"\.gpubp-\w+", selector) for selector in selectors)
    used = {name for names in re.findall(r'class="(.*?)"', drawn) for name in names.split()}
    assert used <= {selector[1:] for selector in selectors}


def test_the_net_of_an_executor_is_drawn() -> None:
    executor = gpubp.Executor(net("xor"), "cpu", backend="numpy")
    assert gpubp.graph(executor).svg() == gpubp.graph(executor.net).svg()
    with pytest.raises(gpubp.GpubpError, match="not a path"):
        gpubp.graph("models/xor.net")


@pytest.mark.parametrize(("file", "name"), [("models/xor.net", "xor.svg"), ("runs/my run", "'my run.svg'")])
def test_a_terminal_gets_no_svg(
    file: str, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["graph", file]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f"error: a terminal shows no picture: `-o {name}` writes one, or a page with `.html`; `gpubp check` lists the "
        "layers as text\n"
    )


def test_it_loads_nothing_of_what_explains_a_net(tmp_path: Path) -> None:
    """Its pages have the style of all pages, and that is all that they share."""
    code = "import sys; from gpubp.cli import main\n"
    code += f"main(['graph', {str(MODELS / 'xor.net')!r}, '-o', 'xor.html'])\n"
    code += "print([name for name in sys.modules if name.startswith('gpubp.insight')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["wrote xor.html: xor.net: 33 parameters", "[]"]
    assert "<style>" in (tmp_path / "xor.html").read_text("utf-8")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    xor = str(MODELS / "xor.net")
    assert main(["graph", xor]) == 0
    svg = capsys.readouterr().out
    sound(svg)
    out = tmp_path / "xor.svg"
    assert main(["graph", xor, "-o", str(out)]) == 0
    assert capsys.readouterr().out == f"wrote {out}: xor.net: 33 parameters\n"
    assert out.read_text("utf-8") == svg
    there = tmp_path / "xor.png"
    there.write_bytes(b"a picture")
    for other in (there, tmp_path / "xor.pdf"):
        assert main(["graph", xor, "-o", str(other)]) == 2
        assert "neither an .svg nor an .html file" in capsys.readouterr().err
    assert there.read_bytes() == b"a picture"
    assert main(["graph", xor, "--expand", "block"]) == 2
    assert "error: `" in capsys.readouterr().err
    assert main(["graph", str(tmp_path)]) == 2
    assert "is not a run" in capsys.readouterr().err
    assert main(["graph", str(MODELS / "spiral.net"), "--set", "depth=1"]) == 0


def test_the_picture_of_the_documents_is_that_of_the_command() -> None:
    drawn = gpubp.graph(gpubp.load(MODELS / "siamese.net")).svg()
    assert (ROOT / "docs/siamese.svg").read_text("utf-8") == drawn


MEASURE = """
<script>
const wrong = [];
for (const box of document.querySelectorAll("svg g")) {
  const rect = [...box.querySelectorAll(":scope > rect.gpubp-box")].at(-1);
  if (!rect) continue;
  const frame = rect.getBoundingClientRect();
  for (const text of box.querySelectorAll(":scope > text")) {
    const inner = text.getBoundingClientRect();
    const out = inner.left < frame.left || inner.right > frame.right || inner.bottom > frame.bottom + 1;
    if (out) wrong.push(text.textContent);
  }
}
const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
const fetched = performance.getEntriesByType("resource").filter((one) => !one.name.startsWith("data:")).length;
const drawn = document.querySelectorAll("rect.gpubp-box").length > 2;
document.body.setAttribute("data-found", [drawn, wide, fetched, ...wrong].join("|"));
</script></body>"""


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
@pytest.mark.parametrize(
    ("name", "width"), [("unet", 360), ("digits_resnet", 360), ("digits_resnet", 800), ("unet", 1400)]
)
def test_a_browser_shows_it_at_any_width(tmp_path: Path, name: str, width: int) -> None:
    """Texts lie within their boxes, the page is not wider than the window, nothing is fetched."""
    file, out = tmp_path / f"{name}.net", tmp_path / "page.html"
    file.write_text(net(name).graph.source.text.replace('"data/', f'"{MODELS}/data/'), "utf-8")
    assert main(["graph", str(file), "-o", str(out)]) == 0
    out.write_text(out.read_text("utf-8").replace("</body>", MEASURE).replace("<details>", "<details open>"), "utf-8")
    (found,) = re.findall(r'data-found="([^"]*)"', browser(out, tmp_path, f"--window-size={width},900"))
    assert found == "true|false|0"
