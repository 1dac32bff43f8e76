"""Exports with everything that exports have had, from a seed."""

import gzip
import random

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
NUMBERS = """1e400|1e99999999999999999999|NaN|inf|-Infinity|-0|0|-11062.06|1e-400|1,234.5|1.234,5|1,5
1 234.5|1'234.5|1_234.5|0x1F|$1.50|1.50 GBP|50%|(1.50)|1.50-|1.2.3|--1|true|NULL|#DIV/0!|=1+1||   |
 1.50 |+1.5|1.5E+2|.5|5.|499999999999|1e12|1000000000000000|1.5|6.0|1e3|-3|799999999999|1000000000000
99999999999999999999|-99999999999999999999|9223372036854775808|1e15|12x|1.0000000000000000001|2.5e-1
0.0000000000000000005|0.0000000000000000015|0.00000000000000000051|0.1000000000000000055511151231257827
999999999999999.9999999999999999995|999999999999999.99999999999999999949|0e99999999999|1e|e5|.|-|+
111e111110555611111111V|1e+|1e-|1e+5|1E-3|.e1|5.e1|.5e1|+.5|-.5|-5.|0.30000000000000004|1e-18|1e-19
5e-19|15e-19|6e-19|25e-19|999999999999999|12345678901234567|1234567890123456.7|0.12345678901234567
99999999999.999999999999999999|1e000000000000000000000000003|1e-000000000000000000000003|00012|000.50
123456789012|1234567890123|-123456789012|0.04|0.039999999999999999|0.0400000000000000001|nan|-nan
+inf|INF|iNfInItY|infinit|1e5.0|1e 5|1 |\t7|１２|５|−5|5²|\u00a05\u00a0|\u30005|5\u200b|1e2147483648"""
DATES = """2011-06-15 12:00|2011-06-15T12:00:00|31/12/2011 9:00|15.06.2011 12:00|15-Jun-2011 12:00
6/15/11 12:00|6/15/2011|6/15/2011 12:00:30|6/15/2011 9:00 PM|6/15/2011 12:00Z|6/15/2011 12:00+01:00
13/1/2011 9:00|0/15/2011 9:00|6/0/2011 9:00|6/31/2011 9:00|2/29/2011 9:00|2/29/1900 9:00|2/29/2000 9:00
2/29/2012 9:00|6/15/2011 24:00|6/15/2011 23:60|6/15/2011 -1:00|3/27/2011 1:30|1/1/0000 9:00|1/1/0001 9:00
12/31/1899 9:00|12/31/1969 23:59|1/1/9999 9:00|12/30/9999 22:00|12/30/9999 22:01|12/31/9999 23:59
1/1/10000 9:00|1/1/-0001 9:00|1/1/-2011 9:00|1/1/+2011 9:00|40544.375|1308139200||NULL|yesterday
  6/15/2011 12:00  |06/05/2011 09:00|6/15/2011   12:00|6/15/ 2011 12:00|6/ 5/2011 12:00| 6/5/2011 1: 5
6/15/2011\t12:00|6/15/201112:00|006/05/2011 9:00|6/005/2011 9:00|6/15/2011 009:00|1/1/1000 0:00
1/1/999 0:00|1/1/0999 0:00|12/31/1969 0:00|6/15/2011 7:5|6/15/2011 07:005|6/15/2011 12:00x"""
TEXTS = """=cmd|' /C calc'!A0|<script>|{{7*7}}|'; drop table x; --|\\N|   |NULL|nan|n/a|NA|None| NA |\x1a
\x01|é|£20|curly ’quote’|€|5" nail|a\tb|\u00a0|POST|D|M|BANK CHARGES|amazonfee|gift_0001|POST\r|x y
日本|😀|\u202e|e\u0301|85123A| 85123A |00012|1.0|null|-nan|#N/A|<NA>|a|aa|A1|Unspecified|UNSPECIFIED
European Community"""
CUSTOMERS = """00012001|12001.0|  12001  |12 001|   |NaN|3f2504e0-4f89-11d3-9a0c-0305e82c3301|müller
12001\u200b|a ""b|../../etc|40444444444444444444444444444444444444444|16446| 16446|null|guest|g
O'Neil, Ann|\u00a012001\u00a0|x\u0085"""


def cells(text):
    return text.replace("\n", "|").split("|")


NUMBER_CELLS, DATE_CELLS, TEXT_CELLS = cells(NUMBERS), cells(DATES), cells(TEXTS)
CUSTOMER_CELLS = cells(CUSTOMERS)


def quoted(cell, delimiter, always):
    if always or delimiter in cell or cell.startswith('"') or "\n" in cell:
        return '"' + cell.replace('"', '""') + '"'
    return cell


class Shop:
    """Rows of a shop, one after the other."""

    def __init__(self, seed, delimiter=",", damage=0.3, multiline=0.03, future=False):
        self.random = random.Random(seed)
        self.delimiter = delimiter
        self.damage, self.multiline = damage, multiline
        self.invoice = 536_000
        self.left = 0
        self.catalogue = [("quantity", c) for c in NUMBER_CELLS]
        self.catalogue += [("price", c) for c in NUMBER_CELLS]
        # A window counts back from the last purchase: one in 9999 leaves nothing else.
        self.catalogue += [("date", c) for c in DATE_CELLS if future or "9999" not in c]
        self.catalogue += [("text", c) for c in TEXT_CELLS]
        self.catalogue += [("code", c) for c in TEXT_CELLS]
        self.catalogue += [("country", c) for c in TEXT_CELLS]
        self.catalogue += [("customer", c) for c in CUSTOMER_CELLS]
        self.catalogue += [("invoice", c) for c in TEXT_CELLS]

    def row(self, special=None):
        r = self.random
        if self.left <= 0:
            self.invoice += r.randint(1, 3)
            self.left = r.randint(1, 12)
            self.moment = f"{r.randint(1, 12)}/{r.randint(1, 28)}/{r.randint(2010, 2011)} {r.randint(0, 23)}:{r.randint(0, 59):02}"
            self.customer = str(12_000 + r.randint(0, 150)) if r.random() < 0.8 else ""
            self.is_return = r.random() < 0.1
        self.left -= 1
        cell = {
            "invoice": ("C" if self.is_return else "") + str(self.invoice),
            "code": str(r.randint(10_000, 10_200)) + r.choice(["", "A", "B"]),
            "text": f"THING {r.randint(1, 60)}",
            "quantity": str(r.randint(1, 3_000) * (-1 if self.is_return else 1)),
            "date": self.moment,
            "price": f"{r.randint(1, 9_999) / r.choice([1, 10, 100, 1000, 100_000])}",
            "customer": self.customer if r.random() < 0.95 else "",
            "country": r.choice(["UK", "UK", "UK", "France", "Unspecified"]),
        }
        if special:
            cell[special[0]] = special[1]
        if r.random() < self.multiline:
            cell["text"] = r.choice(
                ["two\nlines", 'a,"b"\nc', "\r\n", "x\n\n\ny", '"\n"', "a\r\nb,c"]
            )
        always = r.random() < 0.1
        texts = [quoted(c, self.delimiter, always) for c in cell.values()]
        return self.delimiter.join(texts)

    def damaged(self):
        """A row that can't be read, as bytes."""
        r, row = self.random, self.row()
        d = self.delimiter
        raw = row.encode()
        kind = r.randrange(12)
        if kind == 0:
            return raw[: r.randint(1, len(raw))]
        if kind == 1:
            return raw + d.encode() * r.randint(1, 3)
        if kind == 2:
            return row.replace(f"{d}THING", f'{d}"THING', 1).encode()
        if kind == 3:
            at = r.randint(0, len(raw))
            return (
                raw[:at]
                + bytes([r.choice([0, 0x81, 0x9D, 0xFF, 0xED, 0xA0, 0xC3, 0xE2, 0x82])])
                + raw[at:]
            )
        if kind == 4:
            return raw + b"\r" * r.randint(1, 3)
        if kind == 5:
            return r.choice([b"", b"\r", b"\r\r", b" ", d.encode() * 7, b'"', b'""', b'"""'])
        if kind == 6:
            at = r.randint(0, len(raw))
            return raw[:at] + b'"' + raw[at:]
        if kind == 7:
            at = r.randint(0, len(raw))
            return raw[:at] + b'"\n' + raw[at:]
        if kind == 8:
            return row.replace("THING", "\xe9\u20ac\u201c").encode("cp1252", "replace")
        if kind == 9:
            return b"\xed\xa0\x80\xe2\x82\xf0\x9f\x92\xc0\x80 \xf4\x90\x80\x80" + raw
        if kind == 10:
            return raw + b"\r" + raw
        return f'{d}"'.join(row.split(d, 2)).encode()

    def export(self, rows, encoding, end="\r\n", last_end=True, mark=b""):
        specials = list(self.catalogue)
        self.random.shuffle(specials)
        lines = [HEADER.replace(",", self.delimiter).encode()]
        for _ in range(rows):
            if specials and self.random.random() < 0.3:
                lines.append(self.row(specials.pop()).encode(encoding, "replace"))
            elif self.random.random() < self.damage:
                lines.append(self.damaged())
            else:
                lines.append(self.row().encode(encoding, "replace"))
        text = end.encode().join(lines) + (end.encode() if last_end else b"")
        return mark + text


def long_rows(delimiter=","):
    """Rows about the longest that a record may be, alone and over lines."""
    most = 64 << 10
    good = delimiter.join(["536999", "85123A", "{}", "1", "1/5/2011 9:00", "1.5", "12999", "UK"])
    rest = len(good) - 2
    rows = []
    for more in (-1, 0, 1, 2, 5_000):
        rows.append(good.format("x" * (most - rest + more)))
        rows.append(good.format('"' + "x" * (most - rest - 2 + more) + '"'))
        rows.append(good.format('"' + "y" * 10 + "\n" + "x" * (most - rest - 13 + more) + '"'))
        rows.append(good.format('"' + "y\n" * 100 + "x" * (most - rest - 202 + more) + '"'))
    # A quote that nothing closes for 64 KiB, and one that is closed just before.
    rows.append(good.format('"open'))
    rows += [good.format("z" * 3_000)] * 30
    rows.append('"' + "x" * (most + 5))
    return "\n".join(rows).encode()


def packed(data):
    """Two gzip members."""
    half = len(data) // 2
    return gzip.compress(data[:half], mtime=0) + gzip.compress(data[half:], mtime=0)
