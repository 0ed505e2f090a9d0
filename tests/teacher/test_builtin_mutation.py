"""The built-in teacher's mutations of one or more parents, and its skill labels."""

import asyncio

import pytest

from core.datasets.problems import make_problem
from core.datasets.reading import read_rows
from core.datasets.seed_set import BUILT_IN_MAPPING, list_built_in
from core.demo.maths_templates import find_template
from core.errors import TeacherError
from core.generation.problem_text import read_problem_text
from core.generation.skills import read_skills
from core.generation.tags import find_tag
from core.records import Problem
from core.tasks import TASKS
from core.tasks.prompts import SHIPPED, read_prompt
from core.teacher.base import Hint, TeacherRequest
from core.teacher.builtin import BuiltInTeacher
from core.teacher.builtin.mutation import MUTATIONS, find_theme
from core.teacher.builtin.skills import SIGNS, choose_skills
from core.teacher.builtin.word_problems import read_shape

NAMES = ("word_problems", "maths", "prontoqa", "game24")


@pytest.fixture(scope="module")
def seeds():
    rows = {name: read_rows(list_built_in(name)["train"], n_max=400).rows[::40] for name in NAMES}
    return {
        name: [make_problem(row, TASKS.get(name), BUILT_IN_MAPPING, "train") for row in rows[name]] for name in NAMES
    }


def mutate(name, parents, sample_index=0):
    hint = Hint("mutation", parents=tuple(parents))
    request = TeacherRequest("question", name, "Mutate", parents[0], sample_index, hint=hint)
    return asyncio.run(BuiltInTeacher().complete(request)).text


def label(task, prompt):
    request = TeacherRequest("judge", task, prompt, None, hint=Hint("skills"))
    return asyncio.run(BuiltInTeacher().complete(request)).text


@pytest.mark.parametrize("n_parents", [1, 2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_a_mutation_stands_in_tags_is_new_and_holds(seeds, name, n_parents):
    task, made = TASKS.get(name), set()
    for sample_index in range(4):
        parents = seeds[name][sample_index : sample_index + n_parents]
        reply = mutate(name, parents, sample_index)
        assert reply == mutate(name, parents, sample_index)
        new = read_problem_text(task, find_tag(reply, "problem"))
        answer = task.read_answer(find_tag(reply, "solution"))
        assert task.find_fault(new.question, answer, new.meta) is None
        assert new.question not in {parent.question for parent in parents}
        made.add(new.question)
    assert len(made) == 4


def test_a_question_of_a_mutation_is_answered_again(seeds):
    for name in NAMES:
        task, parents = TASKS.get(name), tuple(seeds[name][:2])
        new = read_problem_text(task, find_tag(mutate(name, parents, 6), "problem"))
        hint = Hint(parents=parents, asked_as=6)
        request = TeacherRequest("answer", name, task.answer_prompt(new), parents[0], 10**15, hint=hint)
        answer = asyncio.run(BuiltInTeacher().complete(request)).text
        assert task.find_fault(new.question, task.read_answer(answer), new.meta) is None


def test_a_mixed_story_goes_on_from_the_first_in_the_world_of_the_second(seeds):
    first = next(seed for seed in seeds["word_problems"] if seed.meta["n_steps"] == 2)
    second = next(seed for seed in seeds["word_problems"] if find_theme(seed) not in (None, find_theme(first)))
    for key in map(str, range(8)):
        made = MUTATIONS.get("word_problems")([first, second], key)
        assert find_theme(Problem("p", made.question, None, None)) == find_theme(second)
        assert len(read_shape(made.answer_reply, None)) > 2


def test_a_mixed_maths_problem_has_the_type_of_the_first_and_about_the_level_of_the_last(seeds):
    for first in seeds["maths"][:4]:
        for last in seeds["maths"][4:8]:
            made = find_template(MUTATIONS.get("maths")([first, last], "key").question)
            assert made.type == first.meta["type"] and abs(made.level - last.meta["level"]) <= 2


def test_parents_beyond_the_rules_are_one_sentence():
    stranger = Problem("p", "Why?", "Because.", "7")
    for name in NAMES:
        with pytest.raises(TeacherError) as error:
            mutate(name, [stranger, stranger])
        assert str(error.value).endswith(".") and "\n" not in str(error.value)


# Skills


def write_skill_prompt(name, problem):
    values = {"question": problem.question, "answer": problem.answer, "skills": read_prompt(f"{name}_skills")}
    return SHIPPED.fill("skills", {**values, "n_skills": "3"})


@pytest.mark.parametrize("name", NAMES)
def test_skills_are_of_the_list_three_at_most_and_tell_problems_apart(seeds, name):
    known, sets = read_prompt(f"{name}_skills").splitlines(), set()
    for seed in seeds[name]:
        labels = read_skills(label(name, write_skill_prompt(name, seed)), known)
        assert 1 <= len(labels.skills) <= 3 and labels.n_unknown == labels.n_surplus == 0
        sets.add(labels.skills)
    assert len(sets) >= 3


def test_every_sign_is_of_a_skill_that_some_list_holds():
    known = {line for name in (*NAMES, "custom") for line in read_prompt(f"{name}_skills").splitlines()}
    assert {skill for skill, _ in SIGNS} <= known


@pytest.mark.parametrize(
    ("name", "text", "skill"),
    [
        ("word_problems", "Ida pays 30% of $40.\n40*30/100=<<40*30/100=12>>12\n#### 12", "percentages"),
        ("maths", "Find the hypotenuse of a right triangle with legs 3 and 4.\n- 3*3=9", "Pythagorean theorem"),
        ("prontoqa", "Rex is a cat. Cats are shy.\nIs it? Rex is shy.\nA.\nB.\nC.\nD.\nE.\nF.\nG.\nAnswer: True",
         "chains of three or four rules"),
        ("game24", "4 4 6 8\n4 * 6 = 24 (left: 24)", "factors 4 and 6"),
    ],
)  # fmt: skip
def test_skills_follow_from_signs(name, text, skill):
    assert skill in choose_skills(text, tuple(read_prompt(f"{name}_skills").splitlines()))[:3]


def test_a_list_of_ones_own_is_searched_by_its_words():
    problem = Problem("p", "How many snails cross the bridge?", "Two snails.\n#### 2", "2")
    values = {"question": problem.question, "answer": problem.answer, "n_skills": "2"}
    prompt = SHIPPED.fill("skills", {**values, "skills": "bridges\ncooking\nsnails"})
    assert label("custom", prompt) == "<skills>bridges, snails</skills>"
    nothing = SHIPPED.fill("skills", {**values, "skills": "cooking\nsailing"})
    assert label("custom", nothing) == "<skills>cooking</skills>"


def test_a_reworded_prompt_is_read_by_its_tags_and_lines():
    prompt = "Choose.\n- ages\n- percentages\n<problem>Ida is 9 years old.</problem>\n<solution>9</solution>"
    assert label("word_problems", prompt) == "<skills>ages</skills>"
    with pytest.raises(TeacherError, match="<problem> tags"):
        label("word_problems", "Which skills?")
