"""Files of signal graphs; `neurosim.formats` finds them by suffix."""
