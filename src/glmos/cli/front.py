"""The first page of help, and what there is to type. Imports nothing, because it is most people's first impression."""

SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Reach a goal": {
        "run": ("run", "Pursue GOAL until it is reached and checked; print the answer."),
        "answer": ("control", "Answer what a process asks."),
        "approve": ("control", "Say yes to what a process wants to do."),
        "deny": ("control", "Say no to what a process wants to do."),
        "correct": ("control", "Say what is wrong; what rests on it is done again."),
    },
    "Look": {
        "ps": ("processes", "List the processes."),
        "show": ("processes", "Show what a process did and what came of it."),
        "log": ("processes", "Print the events of a process, one on each line."),
        "explain": ("processes", "Say why the answer should be believed, claim by claim."),
    },
    "Act on a process": {
        "kill": ("control", "End a process and everything it started."),
        "suspend": ("control", "Stop a process where it is, until `resume`."),
        "resume": ("control", "Let a suspended or ended process go on."),
        "renice": ("control", "Give a process the priority N, from -20 to 19."),
        "fork": ("control", "Start a new process from a moment of another."),
        "undo": ("control", "Take a process back to the beginning of a step."),
    },
    "The machine": {
        "models": ("machine", "List the models, and how to connect others."),
        "tools": ("machine", "List the tools, with the effect of each action."),
        "doctor": ("machine", "Find what is missing or damaged, and mend it."),
        "config": ("config", "Print the settings, or change one."),
    },
}
"""Command to its module and the first line of its help, so that a listing imports no command. A test compares them."""

_ABOUT = """\
Usage: glmos [OPTIONS] COMMAND [ARGS]...

  GLM-OS: state a goal; it is planned, done with real tools, checked, and
  answered with evidence.

    glmos run "Which region had the highest sales in 2025?" -f sales.csv

  Exit status: 0 done and verified, 1 failed, 2 wrong usage, 3 finished but
  unverified, 4 waiting for a person, 5 refused (budget, permission), 130
  killed.

Options:
  --version   Show the version and exit.
  -h, --help  Show this message and exit.
"""


def front_page() -> str:
    """What `glmos --help` prints."""
    parts = [_ABOUT]
    for section, commands in SECTIONS.items():
        width = max(map(len, commands))
        lines = [f"  {name:<{width}}  {about}" for name, (_, about) in commands.items()]
        parts.append("\n".join([f"{section}:", *lines, ""]))
    return "\n".join(parts)
