"""The papers of the pilot's story: real files of real formats, made anew from a seed, about people who do not exist.

A photograph of an identity card for each of the two, a scanned household register of several megabytes, a marriage
certificate scanned at 60 MB, a contribution certificate as an OFD package (GB/T 33190: a ZIP with its XML), and a small
purchase contract. The same call gives the same bytes, so that a run can be compared with another.
"""

from __future__ import annotations

import io
import random
import zipfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw
from reportlab import rl_config
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from ledger.errors import InputError, LedgerError
from ledger.services.intake import inspect_file

__all__ = ["APPLICANT", "PAPERS", "SPOUSE", "Paper", "Person", "make_decision", "make_papers", "place_papers"]

_FONT = "STSong-Light"
_SCAN_PIXELS = (1654, 2339)  # A4 at 200 dots an inch
_ZIP_TIME = (2026, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who does not exist: born in 1900, named 样本."""

    name: str
    identity_number: str


APPLICANT = Person("样本甲", "510107190001010017")
SPOUSE = Person("样本乙", "510107190002020022")


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper of the story: what it is, whose, and the file that shows it."""

    key: str
    material_type: str
    file_name: str
    subjects: tuple[str, ...]


PAPERS = (
    Paper("identity-applicant", "identity-card", "identity-card-applicant.jpg", ("applicant",)),
    Paper("identity-spouse", "identity-card", "identity-card-spouse.jpg", ("spouse",)),
    Paper("household", "household-register", "household-register.pdf", ("applicant", "spouse")),
    Paper("marriage", "marriage-certificate", "marriage-certificate.pdf", ("applicant", "spouse")),
    Paper("contribution", "fund-contribution", "contribution-certificate.ofd", ("applicant",)),
    Paper("contract", "purchase-contract", "purchase-contract.pdf", ("applicant",)),
)


def make_papers(folder: Path) -> dict[str, Path]:
    """Write the story's files into a folder and return them by the paper's key; existing ones are left as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    makers = {
        "identity-applicant": lambda: _photograph(APPLICANT, 1),
        "identity-spouse": lambda: _photograph(SPOUSE, 2),
        "household": lambda: _scan("常住人口登记卡（样本）", pages=3, quality=70, seed=3),
        "marriage": lambda: _scan("结婚证（样本）", pages=21, quality=97, seed=4),
        "contribution": _ofd,
        "contract": _contract,
    }
    paths = {}
    for paper in PAPERS:
        path = folder / paper.file_name
        if not path.exists():
            part = path.with_suffix(path.suffix + ".part")
            part.write_bytes(makers[paper.key]())
            part.replace(path)
        paths[paper.key] = path
    return paths


def make_decision(folder: Path) -> Path:
    """Write the loan's decision, a small PDF as an office prints it, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "decision.pdf"
    if not path.exists():
        out = io.BytesIO()
        canvas = _canvas(out)
        canvas.setFont(_FONT, 20)
        canvas.drawCentredString(A4[0] / 2, A4[1] - 90, "住房公积金贷款准予决定书（样本）")
        canvas.setFont(_FONT, 12)
        for number, line in enumerate((f"申请人：{APPLICANT.name}", "事项：住房公积金异地贷款", "结果：准予")):
            canvas.drawString(90, A4[1] - 140 - number * 24, line)
        canvas.showPage()
        canvas.save()
        part = path.with_suffix(".part")
        part.write_bytes(out.getvalue())
        part.replace(path)
    return path


def place_papers(folder: Path) -> dict[str, Path]:
    """Take a folder of the user's own files for the story's papers, in the order of their names.

    Where there are fewer files than papers it goes on from the first; more than that are left alone.

    Raises:
        InputError: ``pilot.no_files`` where there is no such folder or it holds none; ``pilot.file`` where one of them is
            not what a window takes, with its place and the code that says why.
    """
    listed = folder.iterdir() if folder.is_dir() else iter(())
    files = sorted(path for path in listed if path.is_file() and not path.name.startswith("."))[: len(PAPERS)]
    if not files:
        raise InputError("pilot.no_files")
    for number, path in enumerate(files, start=1):
        try:
            inspect_file(path)
        except LedgerError as error:
            raise InputError("pilot.file", number=number, why=error.code) from None
    return {paper.key: files[number % len(files)] for number, paper in enumerate(PAPERS)}


def _photograph(person: Person, seed: int) -> bytes:
    image = _noise((1712, 1080), seed, strength=40)
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((30, 30, 1682, 1050), radius=60, outline=(80, 100, 140), width=8)
    draw.rectangle((1180, 200, 1580, 760), fill=(196, 202, 214))
    draw.ellipse((1290, 270, 1470, 480), fill=(120, 110, 104))
    draw.pieslice((1230, 470, 1530, 980), 180, 360, fill=(90, 96, 120))
    for line in range(6):
        draw.rectangle((120, 190 + line * 110, 520 + 90 * (line % 4), 226 + line * 110), fill=(96, 96, 110))
    draw.text((120, 900), f"SAMPLE {person.identity_number}", fill=(40, 40, 40), font_size=72)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=88)
    return out.getvalue()


def _scan(title: str, *, pages: int, quality: int, seed: int) -> bytes:
    out = io.BytesIO()
    canvas = _canvas(out)
    for page in range(pages):
        image = _noise(_SCAN_PIXELS, seed * 1000 + page, strength=255)
        draw = ImageDraw.Draw(image)
        draw.rectangle((140, 160, 1514, 2180), outline=(150, 40, 40), width=10)
        for line in range(18):
            draw.rectangle((220, 420 + line * 90, 1434, 423 + line * 90), fill=(60, 60, 60))
        encoded = io.BytesIO()
        image.save(encoded, "JPEG", quality=quality)
        encoded.seek(0)
        canvas.drawImage(ImageReader(encoded), 0, 0, *A4)
        canvas.setFont(_FONT, 22)
        canvas.drawCentredString(A4[0] / 2, A4[1] - 90, title)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _contract() -> bytes:
    out = io.BytesIO()
    canvas = _canvas(out)
    canvas.setFont(_FONT, 20)
    canvas.drawCentredString(A4[0] / 2, A4[1] - 90, "商品房买卖合同（样本）")
    canvas.setFont(_FONT, 12)
    lines = (
        "合同编号：SAMPLE-2026-0001",
        f"买受人：{APPLICANT.name}",
        f"共同买受人：{SPOUSE.name}",
        "坐落：绵阳市样本路 1 号",
        "本件为样本，不具效力。",
    )
    for number, line in enumerate(lines):
        canvas.drawString(90, A4[1] - 140 - number * 24, line)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _ofd() -> bytes:
    namespace = 'xmlns:ofd="http://www.ofdspec.org/2016"'
    text = f"异地贷款职工住房公积金缴存使用证明（样本） 姓名 {APPLICANT.name}"
    deltas = " ".join(["5"] * (len(text) - 1))
    files = {
        "OFD.xml": f'<ofd:OFD {namespace} Version="1.0" DocType="OFD"><ofd:DocBody><ofd:DocInfo><ofd:DocID>'
        "00000000000000000000000000000001</ofd:DocID></ofd:DocInfo><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot>"
        "</ofd:DocBody></ofd:OFD>",
        "Doc_0/Document.xml": f"<ofd:Document {namespace}><ofd:CommonData><ofd:MaxUnitID>4</ofd:MaxUnitID><ofd:PageArea>"
        "<ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox></ofd:PageArea><ofd:PublicRes>PublicRes.xml</ofd:PublicRes>"
        '</ofd:CommonData><ofd:Pages><ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/></ofd:Pages></ofd:Document>',
        "Doc_0/PublicRes.xml": f'<ofd:Res {namespace} BaseLoc="Res"><ofd:Fonts><ofd:Font ID="2" FontName="宋体"/></ofd:Fonts></ofd:Res>',
        "Doc_0/Pages/Page_0/Content.xml": f'<ofd:Page {namespace}><ofd:Content><ofd:Layer ID="3">'
        '<ofd:TextObject ID="4" Boundary="20 30 180 10" Font="2" Size="5">'
        f'<ofd:TextCode X="0" Y="5" DeltaX="{deltas}">{text}</ofd:TextCode></ofd:TextObject></ofd:Layer></ofd:Content></ofd:Page>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in files.items():
            package.writestr(
                zipfile.ZipInfo(name, _ZIP_TIME), f'<?xml version="1.0" encoding="UTF-8"?>\n{content}'.encode()
            )
    return out.getvalue()


def _canvas(out: io.BytesIO) -> Canvas:
    if _FONT not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    # As scanners write them: images as they are. In ASCII they take most of the time that all papers take.
    rl_config.useA85 = 0  # type: ignore[attr-defined]  # the library gives its options to the module as it is imported
    # invariant: no time of making in the file.
    return Canvas(out, pagesize=A4, invariant=True)


def _noise(size: tuple[int, int], seed: int, *, strength: int) -> Image.Image:
    """Return paper as a scanner sees it: a light ground with grain."""
    grain = random.Random(seed).randbytes(size[0] * size[1])  # noqa: S311 - grain of paper, nothing secret
    image = Image.frombytes("L", size, grain).point([255 - value * strength // 1020 for value in range(256)])
    return image.convert("RGB")
