"""Bodies and views of the studio's operations on items, made of shared parts."""
