"""`gpubp doctor`: what of this machine can be used, and what to install for more."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from ..backends import doctor, select
from ..executor import compare_kernels
from .color import use_color

SIGNS = {"ok": ("ok", "32"), "missing": ("--", "33"), "wrong": ("!!", "31")}


def declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def work(arguments: argparse.Namespace) -> int:
    """Exit code 1 where something is installed and does not work."""
    findings = doctor.findings(compare_kernels)
    chosen = select("auto").description
    failed = any(finding.state == "wrong" for finding in findings)
    if arguments.json:
        print(json.dumps({"findings": [asdict(f) for f in findings], "auto": chosen, "well": not failed}))
        return int(failed)
    color = use_color(sys.stdout)
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        sign, number = SIGNS[finding.state]
        shown = f"\x1b[{number}m{sign}\x1b[0m" if color else sign
        print(f"{shown}  {finding.name.ljust(width)}  {finding.text}")
        if finding.help:
            print(f"    {' ' * width}  help: {finding.help}")
    print(f"\n--device auto takes: {chosen}")
    return int(failed)
