"""Moving in from the origin, the script "mesa de ayuda": its tickets.db becomes tickets here (docs/importing.md)."""
