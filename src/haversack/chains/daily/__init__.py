"""Daily chains: a step a day, by the calendar or at each player's own pace."""
