"""An evaluation for people and for programs: tables, a page and a record."""
