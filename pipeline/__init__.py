"""debrief: recorded sales calls in, coaching out. One file per stage; see ARCHITECTURE.md."""
