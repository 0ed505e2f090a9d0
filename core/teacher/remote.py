"""A teacher behind an OpenAI-compatible server.

It knows nothing of caches, budgets or of how replies are read: each request is one chat request with one user message.
"""

from core.errors import TeacherError
from core.teacher.base import TeacherReply, TeacherRequest
from core.teacher.client import MAX_CONCURRENCY, TIMEOUT_S, ChatClient
from core.teacher.endpoint import Endpoint


class RemoteTeacher:
    """Answers by what the model of an endpoint says.

    A reply without a count of its tokens is refused, and nothing more is sent then: budgets and the papers' token axis
    would count it as nothing.

    Args:
        endpoint: the model; its name is the teacher's name in records.
        max_concurrency: requests on their way at the same time, from each event loop.
        timeout_s: seconds that one attempt may take.
    """

    def __init__(self, endpoint: Endpoint, *, max_concurrency: int = MAX_CONCURRENCY, timeout_s: float = TIMEOUT_S):
        self.name = endpoint.model
        self._endpoint = endpoint
        self._client = ChatClient(endpoint, max_concurrency=max_concurrency, timeout_s=timeout_s)
        self._is_uncounted = False

    def cache_salt(self, request: TeacherRequest) -> str:
        """Return what a reply depends on besides the request: two servers may call different models alike."""
        return self._endpoint.base_url

    async def complete(self, request: TeacherRequest) -> TeacherReply:
        """Answer one request; raises TeacherError where no reply can be had, or none whose tokens are counted."""
        if self._is_uncounted:
            raise self._make_uncounted_error()
        reply = await self._client.chat(
            [{"role": "user", "content": request.prompt}],
            max_tokens=request.max_tokens,
            temperature=request.temperature,
        )
        if not reply.texts:
            raise TeacherError(f"The reply of {self._endpoint} holds no text at all; ask again, or another model.")
        reason = reply.finish_reasons[0] or "stop"
        n_input, n_output = reply.n_input_tokens, reply.n_output_tokens
        if n_input is None or n_output is None:
            if reason == "content_filter":
                raise TeacherError(f"The prompt was stopped by the content filter of {self._endpoint}.")
            self._is_uncounted = True
            raise self._make_uncounted_error()
        return TeacherReply(reply.texts[0], reason, n_input, n_output)

    def _make_uncounted_error(self) -> TeacherError:
        return TeacherError(
            f"{self._endpoint} does not say how many tokens it used, so its cost cannot be counted; "
            "switch usage on at the server, or choose another one."
        )
