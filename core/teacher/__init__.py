"""Teachers: who writes new questions and answers. The built-in one needs no key and no network."""
