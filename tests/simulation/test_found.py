"""Scenarios that failed once, made as small as they go, each for a bug that was then mended.

What a line still reaches depends on the dice around it, so each mended bug has a test of its own as well where one could be
written; these are kept as a record, and because they cost nothing.
"""

import msgspec
import pytest

from glmos.testing.simulation import Scenario, play

FOUND: dict[str, str] = {
    "a process that stopped again while it was being resumed said no reason": (
        '{"seed":4262,"goals":[{"at":0.0,"acts":[]}],"events":[{"at":0.23,"deed":"undo","target":3,"number":37},'
        '{"at":1.19,"deed":"resume","target":4,"number":31}],"faults":[{"trouble":"workspace_fails","nth":5}],'
        '"shuffled":false}'
    ),
    "a check that was killed waited for ever after its process was resumed": (
        '{"seed":1029,"goals":[{"at":0.0,"acts":[]}],"events":[{"at":0.37,"deed":"kill","target":0},'
        '{"at":1.34,"deed":"resume","target":1}],"shuffled":false}'
    ),
    "a pure call that was killed waited for ever after its process was resumed": (
        '{"seed":1082,"goals":[{"at":0.0,"acts":[{"kind":"look","size":2,"seconds":0.2}]}],'
        '"events":[{"at":0.6,"deed":"kill","target":0},{"at":2.58,"deed":"resume","target":0}],"shuffled":false}'
    ),
    "calls lost at a crash were not counted against a limit": (
        '{"seed":960,"goals":[{"at":0.0,"acts":[{"kind":"mixed"},{"kind":"mixed"}],"limits":{"tool_calls":3}}],'
        '"faults":[{"trouble":"crash","nth":24}],"shuffled":false,"calm":true}'
    ),
    "the end of a child was lost when somebody else had written to its parent's log": (
        '{"seed":2358,"goals":[{"at":0.0,"acts":[{"kind":"spawn"},{"kind":"wait"}]}],'
        '"faults":[{"trouble":"stolen","nth":11}]}'
    ),
    "a child used a limit of its parent that was being raised, before that was on disk": (
        '{"seed":22851,"goals":[{"at":0.0,"acts":[{"kind":"spawn","seconds":0.0}],'
        '"children":[[{"kind":"mixed","size":2,"seconds":0.2}]],"limits":{"tool_calls":2}}],'
        '"events":[{"at":29.75,"deed":"model","target":1,"number":63},{"at":52.87,"deed":"raise","target":2}],'
        '"faults":[{"trouble":"append_fails","nth":4},{"trouble":"append_slow","nth":12}],"shuffled":false}'
    ),
    "what was under way went on by a limit on time that was being raised": (
        '{"seed":12682,"goals":[{"at":0.0,"acts":[{"kind":"shout"}],"limits":{"seconds":0.5}},{"at":0.0,"acts":[]}],'
        '"events":[{"at":0.55,"deed":"raise","target":0,"number":8}],'
        '"faults":[{"trouble":"crash","nth":2},{"trouble":"append_slow","nth":3},{"trouble":"workspace_fails","nth":1}],'
        '"calm":true}'
    ),
    "a child ran on while another of an ended parent took long to end, and outlived the next crash": (
        '{"seed":54916,"goals":[{"at":0.0,"acts":[{"kind":"mail","size":1,"seconds":0.0,"late":0.0},{"kind":"'
        'spawn","size":1,"seconds":0.0,"late":0.0},{"kind":"spawn","size":1,"seconds":0.0,"late":0.0},{"kind"'
        ':"filtered","size":1,"seconds":0.0,"late":0.0}],"children":[[{"kind":"look","size":3,"seconds":0.2,"'
        'late":0.0}]],"limits":{},"priority":0,"approve_all":true,"files":0}],"events":[{"at":2.77,"deed":"un'
        'do","target":2,"number":28}],"faults":[{"trouble":"crash","nth":102},{"trouble":"restart","nth":5},{'
        '"trouble":"append_slow","nth":8}],"jumps":[],"shuffled":false,"codec":false,"models_at_once":64,"too'
        'ls_at_once":8,"calm":true}'
    ),
    "a machine that was being stopped looked at the clocks of its processes without end": (
        '{"seed":231024,"goals":[{"at":0.0,"acts":[],"children":[],"limits":{},"priority":0,"approve_all":tru'
        'e,"files":0},{"at":5.0,"acts":[{"kind":"spawn","size":1,"seconds":0.2,"late":0.0}],"children":[],"li'
        'mits":{},"priority":0,"approve_all":true,"files":0}],"events":[],"faults":[{"trouble":"crash","nth":'
        '3},{"trouble":"crash","nth":26},{"trouble":"crash","nth":69},{"trouble":"crash","nth":65},{"trouble"'
        ':"restart","nth":82}],"jumps":[],"shuffled":true,"codec":false,"models_at_once":1,"tools_at_once":8,'
        '"calm":true}'
    ),
    "a request was made again though its time was over, because its process was being suspended": (
        '{"seed":213924,"goals":[{"at":0.0,"acts":[{"kind":"shout","size":1,"seconds":0.0,"late":0.0}],"child'
        'ren":[],"limits":{"seconds":12.0},"priority":0,"approve_all":true,"files":0}],"events":[{"at":11.05,'
        '"deed":"undo","target":0,"number":98}],"faults":[{"trouble":"append_slow","nth":5}],"jumps":[],"shuf'
        'fled":false,"codec":false,"models_at_once":64,"tools_at_once":8,"calm":true}'
    ),
    "a fork from the middle of an undo had the files of after it": (
        '{"seed":281933,"goals":[{"at":0.0,"acts":[{"kind":"note","size":1,"seconds":0.0,"late":0.0}],"childr'
        'en":[],"limits":{"model_calls":2},"priority":0,"approve_all":false,"files":0}],"events":[{"at":33.02'
        ',"deed":"undo","target":3,"number":18},{"at":56.56,"deed":"fork","target":5,"number":94}],"faults":['
        '],"jumps":[],"shuffled":false,"codec":false,"models_at_once":64,"tools_at_once":8,"calm":true}'
    ),
    "a fork of a process that had been taken back had files that were taken back": (
        '{"seed":296493,"goals":[{"at":0.0,"acts":[{"kind":"mixed","size":1,"seconds":0.0,"late":0.0}],"child'
        'ren":[],"limits":{},"priority":0,"approve_all":true,"files":0}],"events":[{"at":2.3,"deed":"undo","t'
        'arget":4,"number":22},{"at":2.62,"deed":"fork","target":4,"number":36}],"faults":[{"trouble":"crash"'
        ',"nth":4}],"jumps":[],"shuffled":false,"codec":false,"models_at_once":64,"tools_at_once":8,"calm":tr'
        "ue}"
    ),
    "calls that waited for their turn were begun although the limit had been lowered meanwhile": (
        '{"seed":138402,"goals":[{"at":0.0,"acts":[{"kind":"look","size":3,"seconds":0.0,"late":0.0}],"childr'
        'en":[],"limits":{},"priority":0,"approve_all":true,"files":0}],"events":[{"at":2.13,"deed":"fork","t'
        'arget":4,"number":60},{"at":7.5,"deed":"lower","target":3,"number":1}],"faults":[],"jumps":[],"shuff'
        'led":true,"codec":false,"models_at_once":64,"tools_at_once":1,"calm":false}'
    ),
    "a process that had been killed was killed again by an undo that could not be written": (
        '{"seed":153481,"goals":[{"at":0.0,"acts":[{"kind":"look","size":1,"seconds":0.0,"late":0.0}],"childr'
        'en":[],"limits":{},"priority":0,"approve_all":true,"files":0}],"events":[{"at":2.02,"deed":"kill","t'
        'arget":0,"number":52},{"at":42.16,"deed":"undo","target":0,"number":67}],"faults":[{"trouble":"appen'
        'd_fails","nth":8},{"trouble":"crash_in_effect","nth":1}],"jumps":[],"shuffled":true,"codec":false,"m'
        'odels_at_once":64,"tools_at_once":8,"calm":true}'
    ),
    "a call was said to be late though its process had been suspended before the disk answered": (
        '{"seed":362633,"goals":[{"at":0.0,"acts":[],"children":[],"limits":{"seconds":12.0},"priority":0,"ap'
        'prove_all":true,"files":0}],"events":[{"at":0.037,"deed":"suspend","target":5,"number":99},{"at":21.'
        '6,"deed":"model","target":2,"number":78}],"faults":[{"trouble":"append_slow","nth":2}],"jumps":[],"s'
        'huffled":false,"codec":false,"models_at_once":64,"tools_at_once":8,"calm":true}'
    ),
    "the power went when a child that waited for a person had been told to end, and it waited on": (
        '{"seed":505405,"goals":[{"at":0.0,"acts":[{"kind":"mixed","size":1,"seconds":0.0,"late":0.0},{"kind"'
        ':"spawn","size":1,"seconds":0.0,"late":0.0},{"kind":"spawn","size":1,"seconds":0.0,"late":0.0},{"kin'
        'd":"order","size":1,"seconds":0.0,"late":0.0},{"kind":"shout","size":1,"seconds":0.0,"late":0.0},{"k'
        'ind":"mixed","size":1,"seconds":0.0,"late":0.0}],"children":[[{"kind":"ask","size":3,"seconds":0.2,"'
        'late":0.0}]],"limits":{},"priority":0,"approve_all":true,"files":0}],"events":[],"faults":[{"trouble'
        '":"crash","nth":172}],"jumps":[],"shuffled":false,"codec":false,"models_at_once":64,"tools_at_once":'
        '8,"calm":false}'
    ),
    "the power went before a child that waited for a person was told of its parent's end": (
        '{"seed":505405,"goals":[{"at":0.0,"acts":[{"kind":"mixed","size":1,"seconds":0.0,"late":0.0},{"kind"'
        ':"spawn","size":1,"seconds":0.0,"late":0.0},{"kind":"spawn","size":1,"seconds":0.0,"late":0.0},{"kin'
        'd":"order","size":1,"seconds":0.0,"late":0.0},{"kind":"shout","size":1,"seconds":0.0,"late":0.0},{"k'
        'ind":"mixed","size":1,"seconds":0.0,"late":0.0}],"children":[[{"kind":"ask","size":3,"seconds":0.2,"'
        'late":0.0}]],"limits":{},"priority":0,"approve_all":true,"files":0}],"events":[],"faults":[{"trouble'
        '":"crash","nth":168}],"jumps":[],"shuffled":false,"codec":false,"models_at_once":64,"tools_at_once":'
        '8,"calm":false}'
    ),
    "a parent that could not be told of its child went on as if nothing had been, and waited for it without end": (
        '{"seed":537466,"goals":[{"at":0.0,"acts":[],"children":[],"limits":{},"priority":0,"approve_all":tru'
        'e,"files":0},{"at":5.0,"acts":[{"kind":"note","size":1,"seconds":0.0,"late":0.0},{"kind":"look","siz'
        'e":3,"seconds":0.0,"late":0.0},{"kind":"book","size":1,"seconds":1.0,"late":0.0},{"kind":"order","si'
        'ze":1,"seconds":4.0,"late":0.0},{"kind":"spawn","size":1,"seconds":0.0,"late":0.0},{"kind":"mixed","'
        'size":1,"seconds":1.0,"late":0.0}],"children":[],"limits":{},"priority":0,"approve_all":true,"files"'
        ':0}],"events":[{"at":0.013,"deed":"kill","target":5,"number":66},{"at":41.97,"deed":"fork","target":'
        '5,"number":67},{"at":47.06,"deed":"resume","target":5,"number":10}],"faults":[{"trouble":"append_fai'
        'ls","nth":31}],"jumps":[],"shuffled":false,"codec":false,"models_at_once":1,"tools_at_once":8,"calm"'
        ":false}"
    ),
    "a parent that was about to end waited without end for a child that an undo had taken back from its end": (
        '{"seed":547319,"goals":[{"at":0.0,"acts":[{"kind":"empty","size":1,"seconds":0.0,"late":0.0},{"kind"'
        ':"spawn","size":1,"seconds":0.0,"late":0.0},{"kind":"spawn","size":1,"seconds":0.0,"late":0.0},{"kin'
        'd":"repeat","size":3,"seconds":0.0,"late":0.0}],"children":[[{"kind":"shout","size":3,"seconds":0.2,'
        '"late":0.0}]],"limits":{},"priority":0,"approve_all":true,"files":0}],"events":[{"at":21.16,"deed":"'
        'model","target":1,"number":52},{"at":41.8,"deed":"model","target":1,"number":46},{"at":43.73,"deed":'
        '"undo","target":2,"number":88},{"at":54.77,"deed":"lower","target":3,"number":24}],"faults":[{"troub'
        'le":"crash","nth":6},{"trouble":"crash_in_effect","nth":11},{"trouble":"crash","nth":3}],"jumps":[],'
        '"shuffled":true,"codec":false,"models_at_once":64,"tools_at_once":8,"calm":true}'
    ),
    "a model was asked for a process whose reopening could not be written": (
        '{"seed":780331,"goals":[{"at":0.0,"acts":[{"kind":"give_up","size":1,"seconds":0.0,"late":0.0}],"chi'
        'ldren":[],"limits":{},"priority":0,"approve_all":true,"files":0},{"at":0.0,"acts":[{"kind":"finish",'
        '"size":1,"seconds":4.0,"late":0.0}],"children":[],"limits":{},"priority":0,"approve_all":false,"file'
        's":0}],"events":[{"at":0.037,"deed":"resume","target":1,"number":12},{"at":1.26,"deed":"resume","tar'
        'get":1,"number":41}],"faults":[{"trouble":"crash","nth":1},{"trouble":"append_fails","nth":6}],"jump'
        's":[],"shuffled":true,"codec":false,"models_at_once":64,"tools_at_once":8,"calm":true}'
    ),
}


@pytest.mark.parametrize("what", FOUND)
def test_what_failed_once_holds(what: str) -> None:
    scenario = msgspec.json.decode(FOUND[what].encode(), type=Scenario)
    outcome = play(scenario, traced=True)
    assert not outcome.problems, "\n".join([*outcome.trace, *outcome.problems])
