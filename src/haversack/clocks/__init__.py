"""Moving the clocks of projects and players under development, and going back to where a clock was frozen."""
