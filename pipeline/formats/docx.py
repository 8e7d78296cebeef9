"""Word documents: Teams' transcript downloads (both layouts), and any document with `Name: text` paragraphs."""

from __future__ import annotations

import io
import zipfile

from pipeline.errors import TranscriptError
from pipeline.formats.assemble import Draft
from pipeline.formats.clean import clean_text
from pipeline.formats.text import read_lines

MAX_UNPACKED = 200_000_000
"""A document that unpacks to more than this is refused unopened."""
MAX_PARTS = 5000
_BODY = "word/document.xml"


def recognise(data: bytes) -> bool:
    """A zip container with a Word body in it."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as box:
            return _BODY in box.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError):
        # A cut-off download has no table of contents; its first entry still says what it was.
        return data[:4] == b"PK\x03\x04" and (b"word/" in data or b"[Content_Types].xml" in data[:200])


def read(data: bytes, where: str) -> Draft:
    """Paragraphs in order, those in tables too, read as text. Raises `TranscriptError` for damaged or huge files."""
    _check_size(data, where)
    return read_lines(_lines(data, where), where)


def _check_size(data: bytes, where: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as box:
            infos = box.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError) as error:
        raise TranscriptError(f"{where}: not a whole Word document ({error}); download it again") from error
    if len(infos) > MAX_PARTS or sum(info.file_size for info in infos) > MAX_UNPACKED:
        raise TranscriptError(f"{where}: unpacks to over {MAX_UNPACKED // 1_000_000} MB, too large for a transcript")


def _lines(data: bytes, where: str) -> list[str]:
    import docx
    from docx.oxml.ns import qn
    from docx.text.paragraph import Paragraph

    try:
        body = docx.Document(io.BytesIO(data))
        # Every paragraph in order, those in tables too; python-docx's table cells would follow a forged column span.
        found = (Paragraph(element, body) for element in body.element.body.iter(qn("w:p")))
        return [line for paragraph in found for line in paragraph.text.split("\n")]
    except Exception as error:
        # Damaged parts raise whatever zipfile, zlib, lxml and python-docx's own lookups raise; there is no base class.
        reason = clean_text(str(error))[:120] or type(error).__name__
        raise TranscriptError(f"{where}: not readable as a Word document ({reason}); download it again") from error
