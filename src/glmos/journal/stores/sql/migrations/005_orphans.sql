-- Children at rest: at every start, those whose parent has ended are looked for.
CREATE INDEX resting_children ON processes (pid) WHERE NOT ended AND resting AND root <> pid;
