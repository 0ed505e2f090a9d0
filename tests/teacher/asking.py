"""Short ways to ask a test server through the chat client."""

import asyncio

from core.teacher.client import ChatClient
from core.teacher.endpoint import Endpoint


def ask(server, *, prompt="one two three", model="model", key_env="OPENAI_API_KEY", client=None, **fields):
    client = client or make_client(server, model=model, key_env=key_env)
    fields = {"max_tokens": 20, "temperature": 0.0} | fields
    return asyncio.run(client.chat([{"role": "user", "content": prompt}], **fields))


async def ask_many(client, prompts, **fields):
    fields = {"max_tokens": 20, "temperature": 0.0} | fields
    return await asyncio.gather(*(client.chat([{"role": "user", "content": one}], **fields) for one in prompts))


async def note_order(client, n):
    """Ask n prompts at once; returns their numbers in the order in which they were answered."""
    order = []

    async def note(number):
        await client.chat([{"role": "user", "content": f"prompt {number}"}], max_tokens=20, temperature=0.0)
        order.append(number)

    await asyncio.gather(*(note(number) for number in range(n)))
    return order


def make_client(server, *, model="model", key_env="OPENAI_API_KEY", **options) -> ChatClient:
    return ChatClient(Endpoint(server.url, model, key_env), **{"backoff_s": 0.01, "timeout_s": 5.0} | options)
