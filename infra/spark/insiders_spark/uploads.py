"""The uploads of a run: what their bytes are, their encoding, their header."""

import zlib
from dataclasses import dataclass

from .errors import BadInput, ConfigError
from .header import first_record, places

MARK = b"\xef\xbb\xbf"
GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
FOREIGN = [
    (b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (b"PK\x05\x06", "a zip archive with nothing in it"),
    (b"PAR1", "a Parquet file"),
    (b"%PDF", "a PDF"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
]
# Names by which Hadoop would unpack an object, whatever is in it.
PACKED_NAMES = (".bz2", ".deflate", ".lz4", ".snappy", ".zst", ".zstd")
SNIFFED = 8 << 10
# A header lies within these bytes, however many blank lines stand before it.
LOOKED_AT = [256 << 10, 4 << 20, 64 << 20]
DAMAGED = (
    "the compressed data can't be unpacked, they are damaged or not whole ({}): compress and "
    "upload the export again"
)
# Of code page 1252: the characters of 0x80 to 0x9f; five of them are none.
UPPER_1252 = bytes(range(0x80, 0xA0)).decode("cp1252", "replace")


@dataclass(frozen=True)
class Upload:
    """One object, ready to be read."""

    number: int
    uri: str
    path: str
    name: str
    is_utf8: bool
    names: list
    places: dict
    header_lines: int


def decode_lossy(raw, is_utf8):
    """Some text for `raw`, whatever it is."""
    undefined = any(byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D) for byte in raw)
    if raw.isascii() or is_utf8 or undefined:
        text = raw.decode("utf-8", "replace")
    else:
        text = raw.decode("cp1252")
    return text.replace("\0", "\ufffd")


def check_text(start, name):
    """Refuses what is no text, by its first bytes."""

    def refuse(what, advice):
        raise BadInput(name, f"this is {what}, not a CSV file: {advice}")

    if not start:
        raise BadInput(name, "the file is empty")
    for magic, what in FOREIGN:
        if start.startswith(magic):
            refuse(what, "export the sales as CSV text")
    if start.startswith((GZIP, ZSTD)):
        refuse("packed twice", "compress the export once")
    if start.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        refuse("utf-32 text", "save it as utf-8 or windows-1252")
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        refuse("utf-16 text", "save it as utf-8 or windows-1252")
    line = start[: start.find(b"\n")] if b"\n" in start else start
    nuls = [line[0::2].count(0), line[1::2].count(0)]
    if 0 in nuls and max(nuls) * 3 > len(line):
        refuse("utf-16 text", "save it as utf-8 or windows-1252")
    if nuls != [0, 0]:
        refuse("a binary file", "export the sales as CSV text")


def unpacked(packed, is_whole, name):
    """The text of the first bytes of a gzip file, and whether it is all there is."""
    text = b""
    while packed:
        member = zlib.decompressobj(31)
        try:
            text += member.decompress(packed, max(0, LOOKED_AT[-1] - len(text)))
        except zlib.error as error:
            if text:
                return text, False
            raise BadInput(name, DAMAGED.format(error)) from None
        if not member.eof:
            if is_whole and len(text) < LOOKED_AT[-1] and not member.unconsumed_tail:
                raise BadInput(name, DAMAGED.format("unexpected end of file"))
            return text, False
        packed = member.unused_data
    return text, is_whole


def start_of(storage, uri, size, length, name):
    """The first bytes of the text, and whether they are all there is."""
    start = storage.head(uri, length)
    is_whole = size <= length
    if start.startswith(ZSTD):
        raise ConfigError(uri, "zstd is not read here: upload the export as it is, or as .gz")
    is_packed = start.startswith(GZIP)
    if is_packed != uri.endswith(".gz") or uri.endswith(PACKED_NAMES):
        raise ConfigError(
            uri, "Hadoop unpacks by the name: a gzip file must end in .gz, and nothing else"
        )
    return unpacked(start, is_whole, name) if is_packed else (start, is_whole)


def look(storage, settings, number, uri, name):
    """Reads the start of an upload."""
    path, size = storage.status(uri)
    if size == 0:
        raise BadInput(name, "the file is empty")
    delimiter = settings.delimiter
    for length in LOOKED_AT:
        text, is_whole = start_of(storage, uri, size, length, name)
        check_text(text[:SNIFFED], name)
        is_utf8, marks = settings.utf8, 0
        while text.startswith(MARK, marks):
            is_utf8, marks = True, marks + len(MARK)
        found = first_record(text[marks:], ord(delimiter), is_whole)
        if found is not None:
            break
    else:
        raise BadInput(name, "the first 64 MiB have no header: is this a CSV file?")
    record, line, last, shape = found
    if shape == "nothing":
        raise BadInput(name, "the file is empty")
    if b"\r" in record.rstrip(b" \t\n\r\x0c") and shape != "quoted":
        raise BadInput(
            name,
            "the lines end with a carriage return alone, as on old Macs: save it with line feeds",
            line,
        )
    if shape == "unclosed":
        raise BadInput(name, "the header has a quote that is never closed", line)
    if shape == "too_long":
        raise BadInput(name, "the header is longer than 64 KiB: is this a CSV file?", line)
    names, at = places(decode_lossy(record, is_utf8), delimiter, settings.columns, name)
    return Upload(number, uri, path, name, is_utf8, names, at, last)
