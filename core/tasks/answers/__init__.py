"""Extraction and comparison of answers: :mod:`core.tasks.answers.compare` is the way in.

``tidy`` writes alike what only looks different; ``numbers``, ``number_words``, ``units``,
``compounds`` and ``kinds`` read it; ``matching`` compares
part by part, exactly and at once; ``pool`` sends what holds a formula to processes that can be killed, where
``symbolic`` works it out (``formula``, ``evaluate``, and math-verify for the rest). ``boxes`` and ``final_line`` find
the final answer in a text, ``annotations`` recompute the calculations on the way.
"""
