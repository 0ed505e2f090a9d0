"""A small grammar of word problems: a skeleton of operations goes in, a question and its worked answer come out.

``skeleton`` holds the arithmetic (shapes and numbers), ``words`` the vocabulary, ``frames`` the sentence forms,
``telling`` puts them together. Nothing here knows of seed sets, students or teachers.
"""
