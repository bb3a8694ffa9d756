"""The bundled model: a GLM of three million parameters that turns a question over a table into a query.

    text, table, periods, query      the words: what a name, a table, a stretch of time and a query are
    shortened, linker                which phrases name columns and values (by comparing, no model)
    wording, measures, groups, rules a query from the links alone: the baseline, and the fallback
    pointer, grammar, tokenizer      what the network reads and may write
    network, decode                  GLM-4 in NumPy, beam search over pointers
    formula, arithmetic, units, moments, phrases, phrasebook, sums
                                     sums and conversions in words: one SELECT of literals, and back to words
    file_kinds, file_phrases, files  questions about the workspace's own files
    direct                           asked first: whether a question is one of these two
    scope, reading                   what is declined; from a question to candidates
    outcome, evidence, rank          from the candidates' results to a choice
    unread, doubts                   what of the question the choice leaves unread: then it is not vouched for

Use `reading.read_question`, run the candidates' SQL, then `rank.choose`. `training` makes the weights and is imported
by nothing here; it needs the extra `glmos[train]`.
"""
