"""What programs print, as a model gets it."""

from glmos.tools.terminal import bounded, clean


def test_colours_titles_and_control_characters_go() -> None:
    assert (
        clean("\x1b[31;1m红\x1b[0m \x1b]0;owned\x07ok\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ \x00\x08\x7f")
        == "红 oklink "
    )


def test_a_progress_bar_leaves_its_last_state() -> None:
    assert clean("10%\r50%\r100%\r\ndone\r\n") == "100%\ndone\n"
    assert clean("ab\b\bxy") == "xy"


def test_hostile_text_takes_linear_time() -> None:
    for piece in ("\x1b[", "\x1b]", "\b", "a\b", "\r", "\x1b[0", "x"):
        clean(piece * 100_000)


def test_a_long_text_keeps_its_beginning_and_end() -> None:
    text = "".join(f"line {i}\n" for i in range(10_000))
    short = bounded(text, 1000)
    assert short.startswith("line 0\n") and short.endswith("line 9999\n")
    assert "characters left out" in short and len(short) < 1100
    assert bounded("x", 10) == "x"
