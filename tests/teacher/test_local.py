"""A student as teacher: the shipped one answers for real, in batches, and the same again."""

import asyncio
import shutil
from dataclasses import replace

import pytest

from core.errors import ModelLoadError, TeacherError
from core.models.generate import generate_answers
from core.models.rendering import encode_chats, encode_prompts
from core.models.student import Student
from core.settings import DEMO
from core.teacher.base import TeacherRequest
from core.teacher.local import LocalTeacher

QUESTION = "Tom has 3 pens. He buys 4 more. How many pens does Tom have?"
REQUEST = TeacherRequest("question", "word_problems", QUESTION, None, temperature=1.0, max_tokens=16)


@pytest.fixture(scope="module")
def teacher():
    found = LocalTeacher("tiny")
    yield found
    found.close()


def ask(teacher, *requests):
    async def ask_all():
        return await asyncio.gather(*map(teacher.complete, requests), return_exceptions=True)

    return asyncio.run(ask_all())


def test_greedy_answers_are_the_students_own(teacher):
    student = Student.load("tiny")
    prompts = [QUESTION, "What is 2 + 2?", "Ann eats 5 of her 9 figs. How many are left?"]
    wanted = {index: answer for batch in generate_answers(student, prompts, 16) for index, answer in batch}
    replies = ask(teacher, *(replace(REQUEST, prompt=prompt, temperature=0.0) for prompt in prompts))
    for index, (prompt, reply) in enumerate(zip(prompts, replies, strict=True)):
        assert reply.text == wanted[index].text and reply.n_output_tokens == wanted[index].n_tokens
        assert reply.n_input_tokens == len(encode_prompts(student.tokenizer, [prompt])[0])
        assert reply.finish_reason == ("length" if wanted[index].is_truncated else "stop")


def test_drawn_answers_come_back_by_their_sample_index_whatever_they_are_asked_with(teacher):
    draws = [replace(REQUEST, sample_index=index) for index in range(12)]
    together = [reply.text for reply in ask(teacher, *draws, replace(REQUEST, temperature=0.0))][:12]
    alone = [ask(teacher, draws[index])[0].text for index in (7, 3)]
    assert alone == [together[7], together[3]]
    assert len(set(together)) > 3


def test_requests_that_come_together_are_decoded_together(teacher, monkeypatch):
    sizes = []
    answer = LocalTeacher._answer
    monkeypatch.setattr(
        LocalTeacher, "_answer", lambda self, student, group: sizes.append(len(group)) or answer(self, student, group)
    )
    ask(teacher, *(replace(REQUEST, sample_index=index, max_tokens=2) for index in range(40)))
    assert sizes == [40]


def test_what_leaves_no_room_fails_alone_in_one_sentence(teacher):
    long, good = ask(teacher, replace(REQUEST, prompt="pen " * 5000), REQUEST)
    assert isinstance(long, TeacherError) and "no room for an answer" in str(long)
    assert good.text and good.n_output_tokens <= 16
    (refused,) = ask(teacher, replace(REQUEST, top_p=0.9))
    assert isinstance(refused, TeacherError) and "leave it out" in str(refused)


def test_a_chat_is_rendered_by_the_template_or_as_plain_text(teacher):
    tokenizer = Student.load("tiny").tokenizer
    request = replace(REQUEST, system="Be brief.", earlier=(("One?", "1"),), prompt="Two?")
    plain = encode_prompts(tokenizer, ["Be brief.\n\nOne?\n\n1\n\nTwo?"])
    assert encode_chats(tokenizer, [request.list_messages()]) == plain
    tokenizer.chat_template = (
        "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}>{% endif %}"
    )
    (chat,) = encode_chats(tokenizer, [request.list_messages()])
    assert (
        chat == tokenizer("[system]Be brief.[user]One?[assistant]1[user]Two?>", add_special_tokens=False)["input_ids"]
    )
    single = [[{"role": "user", "content": "Two?"}]]
    assert encode_chats(tokenizer, single) == encode_prompts(tokenizer, ["Two?"])
    assert encode_chats(tokenizer, []) == []


def test_the_weights_are_in_the_key_and_a_model_that_is_none_is_one_sentence(tmp_path):
    folder = shutil.copytree(DEMO / "tiny", tmp_path / "other")
    same, other = LocalTeacher("tiny").cache_salt(REQUEST), LocalTeacher(str(folder))
    assert other.name == "other" and other.cache_salt(REQUEST) == same
    (folder / "generation_config.json").write_text("{}")
    assert LocalTeacher(str(folder)).cache_salt(REQUEST) != same
    for source, adapter in ((tmp_path / "none", None), (folder, tmp_path / "none")):
        with pytest.raises(ModelLoadError):
            LocalTeacher(str(source), adapter).cache_salt(REQUEST)


def test_a_student_that_does_not_load_is_tried_once(tmp_path, monkeypatch):
    tries = []
    monkeypatch.setattr(Student, "load", lambda *args, **more: tries.append(1) or Student.nothing)
    teacher = LocalTeacher("tiny")
    for _ in range(2):
        (error,) = ask(teacher, REQUEST)
        assert isinstance(error, TeacherError) and str(error).startswith("tiny cannot answer as a teacher: ")
    assert len(tries) == 1
    teacher.close()


def test_closing_ends_what_is_under_way():
    teacher = LocalTeacher("tiny")

    async def close_early():
        asking = asyncio.ensure_future(teacher.complete(replace(REQUEST, prompt="1 + 1 =", max_tokens=400)))
        while teacher._thread is None:
            await asyncio.sleep(0.001)
        await asyncio.to_thread(teacher.close)
        with pytest.raises(TeacherError, match="was let go"):
            await asking
        with pytest.raises(TeacherError, match="was let go"):
            await teacher.complete(REQUEST)

    asyncio.run(close_early())
