"""The only SQL of Seedbed: the database, its migrations, its reading verbs, and the ingest of journals and runs."""
