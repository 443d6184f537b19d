"""A classifier as bytes and back: arrays and JSON alone, so that loading one runs nothing."""

from __future__ import annotations

import io
import json
from zipfile import BadZipFile
from zlib import error as CorruptError  # noqa: N812

import numpy as np

from geo.errors import FormatError
from governance.intake.classify import Model

_UNREADABLE = (
    BadZipFile, CorruptError, ValueError, KeyError, IndexError, TypeError, OSError, EOFError,
)  # fmt: skip


def dump_model(model: Model) -> bytes:
    """Return a model as a compressed NumPy archive; columns that were never seen are left out."""
    used = np.flatnonzero(model.idf)
    head = {
        "codes": list(model.codes),
        "features": len(model.idf),
        "temperature": model.temperature,
        "longest": model.longest,
    }
    file = io.BytesIO()
    np.savez_compressed(
        file,
        head=np.frombuffer(json.dumps(head, ensure_ascii=False).encode(), dtype=np.uint8),
        used=used.astype(np.int32),
        idf=model.idf[used].astype(np.float32),
        weights=model.weights[used],
        offsets=model.offsets,
    )
    return file.getvalue()


def load_model(data: bytes) -> Model:
    """Return a model from its bytes.

    Raises
    ------
    FormatError
        They are no such archive, or its arrays do not fit together.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            parts = {name: archive[name] for name in archive.files}
        head = json.loads(parts["head"].tobytes())
        n_classes, used = len(head["codes"]), parts["used"]
        idf = np.zeros(int(head["features"]))
        weights = np.zeros((len(idf), n_classes), dtype=np.float32)
        idf[used], weights[used] = parts["idf"], parts["weights"]
        model = Model(
            tuple(map(str, head["codes"])), idf, weights, parts["offsets"].reshape(n_classes),
            float(head["temperature"]), int(head["longest"]),
        )  # fmt: skip
    except (
        BadZipFile,
        CorruptError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        OSError,
        EOFError,
    ) as error:
        raise FormatError(
            f"the stored classifier cannot be read: {error}", code="bad-classifier"
        ) from error
    return model
