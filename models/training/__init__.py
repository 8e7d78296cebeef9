"""Training code of the judge: reads only the train and tune splits, never the test calls."""
