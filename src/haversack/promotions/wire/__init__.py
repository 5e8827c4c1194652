"""Bodies and views of promotions: v2 with a pair of dates, v3 with periods."""
