"""Everything that is a neural network or stands in for one."""
