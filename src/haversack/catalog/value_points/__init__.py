"""Value points: items that nobody buys, and how many of them come with what is bought for real money."""
