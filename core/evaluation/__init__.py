"""Evaluation: which sets there are, how a student is asked, how each answer is judged and why.

``benchmarks`` is the table of benchmarks by name, ``sets`` turns a name or a file into problems of this home,
``asking`` collects answers and counts what was really generated, ``judging`` says of each what the checker made of it.
"""

from core.evaluation.benchmarks import BENCHMARKS, Benchmark
from core.evaluation.sets import EvaluationSet, find_set

__all__ = ["BENCHMARKS", "Benchmark", "EvaluationSet", "find_set"]
