"""What people see: one ``*_page.py`` per page, ``shell.py`` around them, ``components/`` for what they share."""
