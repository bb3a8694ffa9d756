"""Questions about the workspace's own files: what both engines say of a folder with odd names, and what is left alone."""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from glmos.models.nano import files
from glmos.tools.tables import listing
from glmos.tools.tables.worker import Worker

CONTENT: Mapping[str, bytes] = {
    "report.pdf": b"%PDF-1.4 " + b"x" * 1_499_991,
    "docs/plan.pdf": b"%PDF-1.4 " + b"y" * 119_991,
    "docs/notes.txt": "发票 no 1\nhello\nworld".encode(),
    "docs/old/copy of notes.txt": "发票 no 1\nhello\nworld".encode(),
    "docs/gbk.txt": ("这里有一张发票，请查收。\n" * 20).encode("gbk"),
    "photo.png": b"\x89PNG" + b"\0" * 1_996,
    "pic.JPG": b"\xff\xd8\xff" + b"\0" * 3_497,
    "报表.xlsx": b"PK\x03\x04" + b"\0" * 4_996,
    'we\nird "q" | it\'s.md': b"# Hello\n",
    "empty.log": b"",
}
ORDER = list(CONTENT)
"""Each was modified a day after the one before, from 2025-11-01 on, at noon UTC."""
BIGGEST = "report.pdf: 1.5 MB (1,500,000 bytes), modified 2025-11-01 12:00 UTC"
ANSWERS = {
    "which file is the biggest?": [BIGGEST],
    "What is the largest file?": [BIGGEST],
    "biggest file in the folder": [BIGGEST],
    "哪个文件最大": ["report.pdf：1.5 MB（1,500,000 字节），修改于 2025-11-01 12:00 UTC"],
    "最大的文件是哪个？": ["report.pdf：1.5 MB（1,500,000 字节），修改于 2025-11-01 12:00 UTC"],
    "which file is the smallest": ["empty.log: 0 bytes, modified 2025-11-10 12:00 UTC"],
    "最小的文件": ["empty.log：0 字节，修改于 2025-11-10 12:00 UTC"],
    "newest file in the folder": ["empty.log: 0 bytes, modified 2025-11-10 12:00 UTC"],
    "what is the oldest file": [BIGGEST],
    "which pdf is the newest": ["docs/plan.pdf: 120 KB (120,000 bytes), modified 2025-11-02 12:00 UTC"],
    "list the 2 largest files": [BIGGEST, "docs/plan.pdf: 120 KB (120,000 bytes), modified 2025-11-02 12:00 UTC"],
    "the three most recently modified text files": [
        "docs/gbk.txt: 500 bytes, modified 2025-11-05 12:00 UTC",
        "docs/old/copy of notes.txt: 23 bytes, modified 2025-11-04 12:00 UTC",
        "docs/notes.txt: 23 bytes, modified 2025-11-03 12:00 UTC",
    ],
    "最近修改的两个文件": [
        "empty.log：0 字节，修改于 2025-11-10 12:00 UTC",
        "we\\nird \"q\" | it's.md：8 字节，修改于 2025-11-09 12:00 UTC",
    ],
    "how many files are there": ["10 files"],
    "how many PDFs are there?": ["2 PDF files"],
    "count the images": ["2 images"],
    "number of zip files": ["0 archives"],
    "有几个 Excel": ["1 个Excel文件"],
    "PDF文件有几个": ["2 个PDF文件"],
    "一共有多少个文件": ["10 个文件"],
    "how many files are in docs/": ["4 files"],
    "how many text files are in the old folder": ["1 text file"],
    "docs文件夹里有几个文件": ["4 个文件"],
    "docs里有几个文件": ["4 个文件"],
    "how many text files are in docs": ["3 text files"],
    "are there any videos?": ["0 videos"],
    "有没有 PDF": ["2 个PDF文件"],
    "total size of the images": ["5.5 KB (5,500 bytes), 2 files"],
    "图片一共多大": ["5.5 KB（5,500 字节）（2 个文件）"],
    "how much space do the videos take up": ["0 bytes, 0 files"],
    "average size of the PDFs": ["810 KB (810,000 bytes), 2 files"],
    "which files contain 发票": ["docs/gbk.txt", "docs/notes.txt", "docs/old/copy of notes.txt"],
    "哪些文件包含发票": ["docs/gbk.txt", "docs/notes.txt", "docs/old/copy of notes.txt"],
    'files containing "NO 1"': ["docs/notes.txt", "docs/old/copy of notes.txt"],
    "how many files contain hello": ["3 files"],
    "which files contain '100%'": ["No file fits."],
    "哪些文件的名字里有 notes": ["docs/notes.txt：23 字节", "docs/old/copy of notes.txt：23 字节"],
    'which files have "notes" in their names': [
        "docs/notes.txt: 23 bytes, modified 2025-11-03 12:00 UTC",
        "docs/old/copy of notes.txt: 23 bytes, modified 2025-11-04 12:00 UTC",
    ],
    "are there duplicates": ["docs/notes.txt (23 bytes", "docs/old/copy of notes.txt (23 bytes"],
    "are there any duplicate files?": ["docs/notes.txt (23 bytes", "docs/old/copy of notes.txt (23 bytes"],
    "有没有重复的文件": ["docs/notes.txt（23 字节", "docs/old/copy of notes.txt（23 字节"],
    "files larger than 100 KB": ["docs/plan.pdf: 120 KB", "report.pdf: 1.5 MB"],
    "大于1MB的文件有哪些": ["report.pdf：1.5 MB"],
    "how many files are under 1 KB": ["5 files"],
    "which files were modified after 7 November 2025": ["empty.log: 0 bytes", "we\\nird", "报表.xlsx: 5 KB"],
    "what files were modified on 2025-11-02": ["docs/plan.pdf: 120 KB"],
    "how big is photo.png": ["photo.png: 2 KB (2,000 bytes), modified 2025-11-06 12:00 UTC"],
    "报表.xlsx有多大": ["报表.xlsx：5 KB（5,000 字节），修改于 2025-11-08 12:00 UTC"],
    "how many lines does notes.txt have": ["docs/notes.txt: 3 lines"],
    "notes.txt有多少行": ["docs/notes.txt：3 行"],
    "有哪些图片": ["photo.png：2 KB", "pic.JPG：3.5 KB"],
    "list all the pdfs": ["docs/plan.pdf: 120 KB", "report.pdf: 1.5 MB"],
    "how many files of each type": [".txt: 3", ".pdf: 2", ".jpg: 1", ".log: 1", ".md: 1", ".png: 1", ".xlsx: 1"],
}  # fmt: skip
NEAR_MISSES = [
    "which file is the best", "which file should I delete", "delete the biggest file", "rename the newest file",
    "which files contain invoices from 2025", "which files contain a total over 100", "which files mention me and you",
    "summarise the newest file", "what does report.pdf say", "how many pages does report.pdf have",
    "how many rows are in the biggest file", "which file has the best title", "who wrote report.pdf",
    "how many files are in the archive folder", "how big is missing.txt", "how many documents are there",
    "files larger than 10", "how many files did I read", "which images show a cat", "哪个文件最重要", "文件里写了什么",
    "哪些文件包含发票和合同", "把最大的文件删掉", "which files were modified after March", "how many lines are there",
    "list the 99 largest files", "which file is the biggest and the newest", "open the newest file",
    "how many files are in English", "which file is bigger, photo.png or pic.JPG", "files with errors in them",
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files") / "workspace"
    start = datetime(2025, 11, 1, 12, tzinfo=UTC).timestamp()
    for place, (name, content) in enumerate(CONTENT.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (start + 86400 * place,) * 2)
    (folder / ".hidden").write_text("发票")
    (folder / ".git").mkdir()
    (folder / ".git/config").write_text("发票")
    (folder / "link.txt").symlink_to("/etc/passwd")
    (folder / "all").symlink_to("/")
    os.mkfifo(folder / "pipe")
    return folder


@pytest.fixture(scope="module")
def worker(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    worker = Worker(folder, tmp_path_factory.mktemp("scratch") / "s")
    yield worker
    worker.close()


def read(worker: Worker, question: str) -> files.Asked | files.Declined | None:
    found = worker.answer({"action": "find", "text": question})
    listed = found.get("data", {}).get("listing")
    return files.read(question, listed, found["data"]["tables"]) if listed else None


def told(worker: Worker, question: str) -> Sequence[str]:
    """The lines of the answer, borne out by the second engine, without how it was read and what was left out."""
    asked = read(worker, question)
    assert isinstance(asked, files.Asked), asked
    first = worker.answer({"action": "query", "sql": asked.sql})
    second = worker.answer({"action": "query", "sql": asked.sql, "engine": "sqlite"})
    assert "failure" not in first and "failure" not in second, (asked.sql, first.get("failure"), second.get("failure"))
    assert first["data"]["rows"] == second["data"]["rows"]
    worded = files.word(asked, question, first["data"]["rows"], first["data"]["left_out"])
    lines = worded.text.splitlines()
    assert lines[-1].startswith(("Left out: ", "未计入：")) and lines[-2].startswith(("(read as: ", "（理解为："))
    return [line.removeprefix("- ") for line in lines[:-2]]


@pytest.mark.parametrize(("question", "answer"), ANSWERS.items())
def test_a_question_about_files_is_answered_right_by_two_engines(worker: Worker, question: str, answer: list[str]):
    lines = told(worker, question)
    assert len(lines) == len(answer)
    for line, beginning in zip(lines, answer, strict=True):
        assert line.startswith(beginning)


@pytest.mark.parametrize("question", NEAR_MISSES)
def test_what_is_not_wholly_understood_is_not_answered(worker: Worker, question: str):
    assert not isinstance(read(worker, question), files.Asked)


def test_what_is_hidden_linked_or_no_regular_file_is_counted_and_never_read(worker: Worker):
    left = worker.answer({"action": "query", "sql": "SELECT path FROM files WHERE text LIKE '%root%'"})
    assert left["data"]["rows"] == []
    assert left["data"]["left_out"] == {"hidden": 2, "links": 2, "special": 1, "unreadable": 0, "unread": 5}
    assert "Note on the workspace: left out: 2 hidden, 2 links, 1 special, 5 unread." in left["text"]


def test_names_cannot_break_a_line_or_a_query(tmp_path: Path):
    (tmp_path / "w").mkdir()
    for name in (
        b"a\nb.txt",
        b"a'; DROP TABLE files; --.txt",
        b"\xff\xfe.txt",
        b"\x1b[31mred.txt",
        "\u202egpj.exe".encode(),
    ):
        (tmp_path / "w" / os.fsdecode(name)).write_bytes(b"same")
    worker = Worker(tmp_path / "w", tmp_path / "s")
    for name in ("a'; DROP TABLE files; --.txt", "a\\nb.txt"):
        found = worker.answer({"action": "find", "text": "files"})["data"]["listing"]
        asked = files.read(f"how big is {name}", found, [])
        assert isinstance(asked, files.Asked)
        assert worker.answer({"action": "query", "sql": asked.sql})["data"]["rows"][0][:2] == [name, 4]
    shown = worker.answer({"action": "query", "sql": "SELECT path FROM files ORDER BY path"})
    assert [row[0] for row in shown["data"]["rows"]] == [
        "\\u202egpj.exe", "\\x1b[31mred.txt", "a'; DROP TABLE files; --.txt", "a\\nb.txt", "\ufffd\ufffd.txt",
    ]  # fmt: skip
    worker.close()


def test_a_file_that_cannot_be_read_or_is_huge_is_listed_and_said_not_to_be_searched(tmp_path: Path):
    (tmp_path / "w").mkdir()
    with (tmp_path / "w/huge.txt").open("wb") as file:
        file.truncate(30 << 30)
    (tmp_path / "w/small.txt").write_text("needle")
    worker = Worker(tmp_path / "w", tmp_path / "s")
    found = worker.answer({"action": "query", "sql": "SELECT path, size FROM files WHERE LOWER(text) LIKE '%needle%'"})
    assert found["data"]["rows"] == [["small.txt", 6]]
    assert found["data"]["left_out"]["unread"] == 1
    assert worker.answer({"action": "query", "sql": "SELECT MAX(size) FROM files"})["data"]["rows"] == [[30 << 30]]
    worker.close()


def test_more_files_than_are_listed_are_refused_and_not_counted_wrong(tmp_path: Path):
    (tmp_path / "w").mkdir()
    for number in range(listing.MOST_FILES + 1):
        (tmp_path / f"w/{number}").touch()
    worker = Worker(tmp_path / "w", tmp_path / "s")
    assert worker.answer({"action": "find", "text": "how many files"})["failure"][0] == "limit"
    assert worker.answer({"action": "query", "sql": "SELECT COUNT(*) FROM files"})["failure"][0] == "limit"
    worker.close()


def test_a_table_of_the_persons_goes_before(tmp_path: Path):
    (tmp_path / "w").mkdir()
    (tmp_path / "w/files.csv").write_text("file,size\na,1\nb,2\n")
    worker = Worker(tmp_path / "w", tmp_path / "s")
    found = worker.answer({"action": "find", "text": "which file is the biggest"})["data"]
    assert found["listing"]["name"] == "workspace_files"
    assert files.read("which file is the biggest", found["listing"], found["tables"]) is None
    assert worker.answer({"action": "query", "sql": "SELECT COUNT(*) FROM files"})["data"]["rows"] == [[2]]
    assert worker.answer({"action": "query", "sql": "SELECT COUNT(*) FROM workspace_files"})["data"]["rows"] == [[1]]
    asked = files.read("are there duplicates", found["listing"], found["tables"])
    assert isinstance(asked, files.Declined) and "duplicate rows" in asked.reason
    worker.close()


def test_the_listing_is_offered_only_where_a_question_may_be_about_files(worker: Worker, folder: Path):
    assert worker.answer({"action": "find", "text": "total sales in 2025"})["failure"][0] == "not_found"
    assert "listing" in worker.answer({"action": "find", "text": "how many images"})["data"]
    (folder / "new.pdf").write_bytes(b"%PDF-")
    assert told(worker, "how many PDFs are there") == ["3 PDF files"]
    (folder / "new.pdf").unlink()
