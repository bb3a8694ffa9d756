"""Kinds of files by the names people give them, and the endings that are meant."""

import re
from collections.abc import Sequence
from typing import NamedTuple


class Kind(NamedTuple):
    """Files of some endings; all files when it has none."""

    english: str
    one: str
    chinese: str
    suffixes: tuple[str, ...] = ()


_ANY = Kind("files", "file", "文件")
# pattern | several | one | in Chinese | endings
_TABLE = """
image files?|images?|pictures?|photos?|图片|照片|图像|图片文件|images|image|图片|.png .jpg .jpeg .gif .bmp .webp .tif .tiff .svg .heic
excel files?|excels?|excel workbooks?|excel sheets?|excel spreadsheets?|workbooks?|excel文件|excel表格?|电子表格|工作簿|Excel files|Excel file|Excel文件|.xlsx .xls .xlsm .xlsb
word files?|word documents?|word docs?|word文件|word文档|word|Word files|Word file|Word文件|.docx .doc
powerpoints?|powerpoint files?|presentations?|ppts?|ppt文件|幻灯片|演示文稿|presentations|presentation|演示文稿|.pptx .ppt
pdfs?|pdf files?|pdf documents?|pdf文件|pdf文档|PDF files|PDF file|PDF文件|.pdf
csvs?|csv files?|csv文件|csv表格|CSV files|CSV file|CSV文件|.csv
text files?|txt files?|plain text files?|文本文件|txt文件|txt|text files|text file|文本文件|.txt
markdown files?|md files?|markdown文件|Markdown files|Markdown file|Markdown文件|.md .markdown
json files?|jsons?|json文件|JSON files|JSON file|JSON文件|.json
python files?|python scripts?|py files?|python文件|python脚本|Python files|Python file|Python文件|.py
zips?|zip files?|archives?|压缩包|压缩文件|zip文件|archives|archive|压缩包|.zip .tar .gz .tgz .7z .rar .bz2 .xz
videos?|video files?|视频|视频文件|videos|video|视频|.mp4 .mov .avi .mkv .webm .m4v
audio files?|音频|音频文件|audio files|audio file|音频文件|.mp3 .wav .flac .m4a .ogg .aac
png files?|pngs?|png文件|png图片|PNG files|PNG file|PNG文件|.png
jpe?gs?|jpe?g files?|jpe?g文件|jpe?g图片|JPEG files|JPEG file|JPEG文件|.jpg .jpeg
html files?|html文件|HTML files|HTML file|HTML文件|.html .htm
xlsx files?|xlsx文件|XLSX files|XLSX file|XLSX文件|.xlsx
docx files?|docx文件|DOCX files|DOCX file|DOCX文件|.docx
parquet files?|parquet文件|Parquet files|Parquet file|Parquet文件|.parquet .pq
"""


def _kinds() -> list[tuple[Sequence[str], Kind]]:
    found: list[tuple[Sequence[str], Kind]] = [(["files?", "文件"], _ANY)]
    for line in _TABLE.strip().splitlines():
        *patterns, several, one, chinese, endings = line.split("|")
        found.append((patterns, Kind(several, one, chinese, tuple(endings.split()))))
    return found


_KINDS = _kinds()
_ALL = sorted((pattern for patterns, _ in _KINDS for pattern in patterns), key=len, reverse=True)
ENGLISH_KIND = "|".join(pattern for pattern in _ALL if pattern.isascii())
CHINESE_KIND = "|".join(
    [*(p for p in _ALL if not p.isascii()), "excel", "pdf", "csv", "ppt", "word", "zip", "json", "png", "jpe?g"]
)


def kind_of(said: str) -> Kind:
    """The kind that a text matching one of the patterns names."""
    return next(kind for patterns, kind in _KINDS if any(re.fullmatch(p, said, re.IGNORECASE) for p in patterns))
