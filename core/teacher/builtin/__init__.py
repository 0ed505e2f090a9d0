"""The built-in teacher: rules that stand in for a language model, so that the whole loop runs with no key.

What it writes is no evidence about language models. To add rules for a task, write a file with a function of the
:class:`core.teacher.builtin.base.Rewriter` shape, register it with ``REWRITERS.register("task name")``, and import its
module below. In the same way ``FRESH`` (problems without a seed), ``MUTATIONS`` and ``WRONG`` (wrong solutions) hold
what the task's other requests are answered by; a task that is missing there is refused in one sentence.
"""

from core.teacher.builtin import fresh as fresh
from core.teacher.builtin import game24 as game24
from core.teacher.builtin import maths as maths
from core.teacher.builtin import mutation as mutation
from core.teacher.builtin import prontoqa as prontoqa
from core.teacher.builtin import word_problems as word_problems
from core.teacher.builtin import wrong_deductions as wrong_deductions
from core.teacher.builtin import wrong_game24 as wrong_game24
from core.teacher.builtin.teacher import BuiltInTeacher as BuiltInTeacher
